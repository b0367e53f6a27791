"""The request that a thread works on: the one ambient value of this code base, and the id that leads from a log to the audit.

Logs, the audit, outbox rows, rate limits and the queue of password hashes name the request that they belong to. They are
written below services and library code, whose signatures do not carry a request: a log record is made anywhere, and a password
validator is called by Django. One ContextVar, set here alone, serves all of them; request data must not be kept in another
ContextVar or thread local. Services do not read it to decide what to do: it only labels and counts what is done.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.http.client_ip import peer_is_trusted
from core.ids import new_request_id

HEADER = "X-Request-Id"
PEER = "vestibule.peer"  # in the WSGI environ: the IP at the other end of the connection, a proxy's or the client's
_VALID_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_REQUEST_ID = "vestibule.request_id"  # in the environ
_current: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)


class RequestIdMiddleware:
    """Give the request its id, make it the current request, and send the id in `X-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with current(request):
            response = self.get_response(request)
        response.headers[HEADER] = request_id(request)
        return response


@contextmanager
def current(request: HttpRequest) -> Iterator[None]:
    """Give the request its id, and make it the one that `current_request` returns in this thread."""
    request.request_id = environ_request_id(request.META)  # type: ignore[attr-defined]
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def environ_request_id(environ: dict[str, Any]) -> str:
    """Return the request's id, and make one at the first call."""
    value: str | None = environ.get(_REQUEST_ID)
    if value is None:
        value = environ[_REQUEST_ID] = _id_from_proxy(environ) or new_request_id()
    return value


def _id_from_proxy(environ: dict[str, Any]) -> str | None:
    """Return the id that a trusted proxy has set: then its log and this service's log name the same request."""
    value: str | None = environ.get("HTTP_X_REQUEST_ID")
    if value and _VALID_ID.fullmatch(value) and peer_is_trusted(environ.get(PEER, ""), settings.TRUSTED_PROXIES):
        return value
    return None


def request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


def current_request() -> HttpRequest | None:
    """Return None in commands and tasks."""
    return _current.get()
