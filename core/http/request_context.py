"""A name for each request: it is in the answer, in the log and in the audit, so that one leads to the others."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.http.client_ip import peer_is_trusted
from core.ids import new_name

HEADER = "X-Request-Id"
PEER = "vestibule.peer"  # in the WSGI environ: who is really at the other end, proxy or client
_FORM = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_NAME = "vestibule.request_id"  # in the environ, too
_current: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)


class RequestIdMiddleware:
    """Stands first. A name that a trusted proxy gave is kept, so that its log and ours speak of the same request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with at_work(request):
            response = self.get_response(request)
        response.headers[HEADER] = request_id(request)
        return response


@contextmanager
def at_work(request: HttpRequest) -> Iterator[None]:
    """Within, the request has its name and is the one that this thread works on."""
    request.request_id = name_of(request.META)  # type: ignore[attr-defined]
    before = _current.set(request)
    try:
        yield
    finally:
        _current.reset(before)


def name_of(environ: dict[str, Any]) -> str:
    """The same whenever it is asked of one request."""
    name: str | None = environ.get(_NAME)
    if name is None:
        name = environ[_NAME] = _given_name(environ) or new_name()
    return name


def _given_name(environ: dict[str, Any]) -> str | None:
    name: str | None = environ.get("HTTP_X_REQUEST_ID")
    if name and _FORM.fullmatch(name) and peer_is_trusted(environ.get(PEER, ""), settings.TRUSTED_PROXIES):
        return name
    return None


def request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


def current_request() -> HttpRequest | None:
    """The request that this thread works on, for what is written beside the work: audit and log. None in commands and tasks."""
    return _current.get()
