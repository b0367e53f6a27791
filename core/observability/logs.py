"""Log formatters: one line per record, whatever a client sent, with the ids of the request or email it belongs to.

The message of an exception may quote user input or a database row. Outside DEBUG a line has the type of the exception and
its places in the code, and the message only for types whose messages are about servers or code.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from http.client import responses
from types import TracebackType
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest

from core.http.request_context import current_request, request_id
from core.observability.request_identity import identity_of

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_TYPES_WITHOUT_USER_DATA = (
    OSError, OperationalError, InterfaceError, ImproperlyConfigured, redis.RedisError, AttributeError, ImportError,
    NameError, NotImplementedError, TypeError,
)  # fmt: skip
_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - replaced, never changed


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """Add the ids to each line logged within: for work outside a request."""
    before = _context.set(_context.get() | {name: value for name, value in ids.items() if value})
    try:
        yield
    finally:
        _context.reset(before)


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """Return the ids of the current request, or of the request that Django logs after its end, and those of `log_context`."""
    request = current_request() or _request_in(record)
    if request is None:
        return _context.get()
    user_id, session_id = identity_of(request)
    ids = {"request_id": request_id(request), "user_id": user_id, "session_id": session_id}
    return {name: str(value) for name, value in ids.items() if value} | _context.get()


def _request_in(record: logging.LogRecord) -> HttpRequest | None:
    request = getattr(record, "request", None)
    return request if isinstance(request, HttpRequest) else None


class _PrivateFormatter(logging.Formatter):
    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        return super().formatException(ei) if settings.DEBUG else "\n".join(_format_without_user_data(ei[1]))

    def get_message(self, record: logging.LogRecord) -> str:
        """Leave out what Django adds (the path, data of a suspicious request) and Celery (the exception's text)."""
        if not settings.DEBUG and record.name.startswith("django.") and _request_in(record) is not None:
            return responses.get(getattr(record, "status_code", 0), "rejected")
        if not settings.DEBUG and isinstance(record.args, dict) and record.exc_info and "exc" in record.args:
            return record.msg % (record.args | {"exc": type(record.exc_info[1]).__name__, "traceback": ""})
        return record.getMessage()


def _format_without_user_data(error: BaseException | None) -> Iterator[str]:
    """Yield the chain of exceptions, each with its places in the code; the raised one comes last."""
    if error is None:
        return
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _format_without_user_data(cause)
    yield from (f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__))
    yield f"{type(error).__name__}: {error}" if isinstance(error, _TYPES_WITHOUT_USER_DATA) else type(error).__name__


class LineFormatter(_PrivateFormatter):
    """Text for people. Escapes control characters: a line break or terminal sequence of a client cannot forge a record.

    `%(ids)s` has the ids of the request and the email in brackets, if there are any.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        ids = fields_of(record)
        joined = " ".join(ids[name] for name in ("request_id", "email_id") if name in ids)
        record.message = self.get_message(record)
        record.ids = f"[{joined}] " if joined else ""
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode()
            for char in super().formatMessage(record)
        )


class JsonFormatter(_PrivateFormatter):
    """One JSON object per line. Escapes all but ASCII, and so control characters."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname,
            "logger": record.name,
            "message": self.get_message(record),
        }
        entry |= fields_of(record)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str).replace("\x7f", "\\u007f")
