"""Answers the requests of FAST_PATHS ahead of Django's middleware, URL resolver and REST framework."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.wsgi import WSGIRequest
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse

from core.api.deferred_error import DEFERRED_ERROR
from core.api.exceptions import ApiError
from core.http.request_context import HEADER, current, environ_request_id
from core.http.wsgi_bridge import INCOMPLETE_BODY
from core.observability import access_log
from core.observability.access_log_format import AccessRecord
from core.observability.middleware import REQUEST_STARTED
from core.observability.request_identity import UserAndSession

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class FastResponse:
    """A success (200), and the ids of its user and session for the access log."""

    headers: Mapping[str, str]
    body: bytes
    ids: UserAndSession


FastHandler = Callable[[WSGIRequest], FastResponse]


class FastPathMiddleware:
    """WSGI middleware that runs the handler of a request's method and exact path. Only requests without a body may have one.

    A handler that raises leaves the request to Django, where the view raises the same error again (`raise_deferred_error`):
    so every failure is rendered, logged and recorded by the ordinary path, and nothing is done twice.
    """

    def __init__(
        self,
        inner: Callable[[Environ, StartResponse], Iterable[bytes]],
        fast_paths: Mapping[tuple[str, str], FastHandler],
    ) -> None:
        self.inner = inner
        self._fast_paths = fast_paths

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        handler = self._fast_paths.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        response = _try_handler(handler, environ) if handler is not None else None
        if response is None:
            return self.inner(environ, start_response)
        start_response("200 OK", [*response.headers.items(), (HEADER, environ_request_id(environ))])
        _log(environ, response)
        return [response.body]


def _try_handler(handler: FastHandler, environ: Environ) -> FastResponse | None:
    if INCOMPLETE_BODY in environ:
        return None
    try:
        request = WSGIRequest(environ)
        request.get_host()
        with current(request):
            return _with_cors_headers(request, handler(request))
    except Exception as error:  # noqa: BLE001 - the view raises it again, and the ordinary path renders and logs it
        environ[DEFERRED_ERROR] = error.with_traceback(None) if isinstance(error, ApiError) else error
    finally:
        release_db_connection()
    return None


def _no_response(_request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


_cors = CorsMiddleware(_no_response)


def _with_cors_headers(request: HttpRequest, response: FastResponse) -> FastResponse:
    """Let a page of a trusted origin read the response, as the CORS middleware of the ordinary path does."""
    if "HTTP_ORIGIN" not in request.META:
        return response
    cors = _cors.add_response_headers(request, HttpResponse()).headers
    added = {name: value for name, value in cors.items() if name.startswith("access-control-")}
    return FastResponse({**response.headers, **added}, response.body, response.ids)


def release_db_connection() -> None:
    """Do what Django does after each request, for the one database alone: to go through all of them takes longer."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is not None:
        database.close_if_unusable_or_obsolete()


def _log(environ: Environ, response: FastResponse) -> None:
    """Write the line that the access log's middleware writes on the ordinary path. Method and path are of FAST_PATHS."""
    now = time.perf_counter()
    request = environ_request_id(environ), environ["REQUEST_METHOD"], environ["PATH_INFO"]
    seconds = now - environ.get(REQUEST_STARTED, now)
    access_log.record(AccessRecord(time.time(), *request, HTTPStatus.OK, seconds, response.ids))
