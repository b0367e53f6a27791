"""Log lines that stay lines, whatever a client put into them, and name what they belong to: the request, or the email.

They hold ids and our own words. What an exception says may quote what somebody typed, or the row that was there before, so
outside DEBUG a line has its kind and the places in the code, and its words only where those are about servers or about code.
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

_SPEAK_OF_NOBODY = (
    OSError, OperationalError, InterfaceError, ImproperlyConfigured, redis.RedisError, AttributeError, ImportError,
    NameError, NotImplementedError, TypeError,
)  # fmt: skip
_about: ContextVar[dict[str, str]] = ContextVar("log_about", default={})  # noqa: B039 - replaced, never changed


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Each line written within bears these: for work that no request waits for."""
    before = _about.set(_about.get() | {name: value for name, value in ids.items() if value})
    try:
        yield
    finally:
        _about.reset(before)


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """The request at work and whose it is, or what `about` says. Django speaks of a request after it too."""
    request = current_request() or _request_in(record)
    if request is None:
        return _about.get()
    user_id, session_id = identity_of(request)
    found = {"request_id": request_id(request), "user_id": user_id, "session_id": session_id}
    return {name: str(value) for name, value in found.items() if value} | _about.get()


def _request_in(record: logging.LogRecord) -> HttpRequest | None:
    found = getattr(record, "request", None)
    return found if isinstance(found, HttpRequest) else None


class _Discreet(logging.Formatter):
    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name is logging's
        return super().formatException(ei) if settings.DEBUG else "\n".join(_discreet(ei[1]))

    def message_of(self, record: logging.LogRecord) -> str:
        """Django writes the path into it, and what a suspicious request held; Celery, what the exception of a task says."""
        if not settings.DEBUG and record.name.startswith("django.") and _request_in(record) is not None:
            return responses.get(getattr(record, "status_code", 0), "refused")
        if not settings.DEBUG and isinstance(record.args, dict) and record.exc_info and "exc" in record.args:
            return record.msg % (record.args | {"exc": type(record.exc_info[1]).__name__, "traceback": ""})
        return record.getMessage()


def _discreet(error: BaseException | None) -> Iterator[str]:
    """The chain of exceptions, each with its places in the code; the one that came up is the last."""
    if error is None:
        return
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from _discreet(cause)
    yield from (f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__))
    yield f"{type(error).__name__}: {error}" if isinstance(error, _SPEAK_OF_NOBODY) else type(error).__name__


class LineFormatter(_Discreet):
    """For people. Escapes control characters, so that a forged line break or terminal sequence cannot make a record of its own.

    `%(named)s` is the id of the request at work, or the email's, in brackets; nothing outside of one.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        ids = fields_of(record)
        named = " ".join(ids[name] for name in ("request_id", "email_id") if name in ids)
        record.message = self.message_of(record)
        record.named = f"[{named}] " if named else ""
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode()
            for char in super().formatMessage(record)
        )


class JsonFormatter(_Discreet):
    """For programs: an object a line, the exception within it. All but ASCII is escaped, control characters with it."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname,
            "logger": record.name,
            "message": self.message_of(record),
        }
        entry |= fields_of(record)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str).replace("\x7f", "\\u007f")
