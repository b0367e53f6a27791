"""Log lines that stay lines, whatever a client put into them."""

import logging


class LineFormatter(logging.Formatter):
    """Escapes control characters, so that a forged line break or terminal sequence cannot make a record of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode()
            for char in super().formatMessage(record)
        )
