"""Log lines that stay lines, whatever a client put into them, and name the request they belong to."""

import logging

from config.api.request_id import current_request, request_id


class LineFormatter(logging.Formatter):
    """Escapes control characters, so that a forged line break or terminal sequence cannot make a record of its own.

    `%(request)s` is the id of the request at work, in brackets; nothing outside of one.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        request = current_request()
        record.request = f"[{request_id(request)}] " if request is not None else ""
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode()
            for char in super().formatMessage(record)
        )
