"""Answers the busiest requests in front of Django, where they go the usual way; anything else is Django's."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.utils.module_loading import import_string

from core.api.deferred_error import DEFERRED_ERROR
from core.api.exceptions import ApiError
from core.api.origin import SAFE_METHODS
from core.http.request_context import HEADER, at_work, name_of
from core.http.wsgi_bridge import INCOMPLETE_BODY
from core.observability import access_log
from core.observability.access_log_format import AccessRecord
from core.observability.middleware import REQUEST_STARTED
from core.observability.request_identity import UserAndSession

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Quick:
    """A success, and the ids of the user and the session that it was for. `cookies` as `Set-Cookie` has them."""

    headers: Mapping[str, str]
    body: bytes
    ids: UserAndSession
    status: HTTPStatus = HTTPStatus.OK
    cookies: Sequence[str] = ()


Shortcut = Callable[[WSGIRequest], Quick]


class Shortcuts:
    """Of SHORTCUTS, by method and exact path. One that raises leaves the request to Django, and what it raised to the view.

    Nor is it asked where Django would have more to say: of a browser's request that needs CORS.
    """

    def __init__(self, inner: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self.inner = inner
        self._shortcuts: dict[tuple[str, str], Shortcut] = {
            asked: import_string(name) for asked, name in settings.SHORTCUTS.items()
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        shortcut = self._shortcuts.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        quick = _taken(shortcut, environ) if shortcut is not None else None
        if quick is None:
            return self.inner(environ, start_response)
        cookies = [("Set-Cookie", cookie) for cookie in quick.cookies]
        status = f"{quick.status} {quick.status.phrase}"
        start_response(status, [*quick.headers.items(), *cookies, (HEADER, name_of(environ))])
        _note(environ, quick)
        return [quick.body]


def _taken(shortcut: Shortcut, environ: Environ) -> Quick | None:
    if "HTTP_ORIGIN" in environ or INCOMPLETE_BODY in environ:
        return None
    try:
        request = WSGIRequest(environ)
        request.get_host()
        with at_work(request):
            return shortcut(request)
    except ApiError as refusal:
        environ[DEFERRED_ERROR] = refusal.with_traceback(None)
    except (OperationalError, InterfaceError) as fault:
        environ[DEFERRED_ERROR] = fault  # to wait for the database once is enough
    except Exception as fault:  # noqa: BLE001 - Django meets it again, logs it, and has the words for it
        if environ["REQUEST_METHOD"] not in SAFE_METHODS:
            environ[DEFERRED_ERROR] = fault  # what may have changed something is not tried twice
    finally:
        let_go()
    _rewind(environ)
    return None


def _rewind(environ: Environ) -> None:
    """For whoever reads the body now. Where none came the server's own stream is left, which nobody reads; see config.wsgi."""
    body = environ["wsgi.input"]
    if isinstance(body, BytesIO):
        body.seek(0)


def let_go() -> None:
    """Of the database, where it was asked, as Django does after each request; to go through all of them takes longer."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is not None:
        database.close_if_unusable_or_obsolete()


def _note(environ: Environ, quick: Quick) -> None:
    """What AccessLogMiddleware does for the others. Method and path are those of a shortcut."""
    now = time.perf_counter()
    asked = name_of(environ), environ["REQUEST_METHOD"], environ["PATH_INFO"]
    access_log.record(
        AccessRecord(time.time(), *asked, quick.status, now - environ.get(REQUEST_STARTED, now), quick.ids)
    )
