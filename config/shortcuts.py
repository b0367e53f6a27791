"""Answers the busiest requests in front of Django, where they go the usual way; anything else is Django's."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.utils.module_loading import import_string

from config.api.exceptions import ApiError, ServiceUnavailable
from config.api.request_id import HEADER, name_of
from config.watching import access
from config.watching.lines import Answered
from config.watching.middleware import ARRIVED
from config.watching.who import Ids

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
REFUSAL = "vestibule.refusal"  # in the environ: what a shortcut found, so that its view need not look again


@dataclass(frozen=True, slots=True)
class Quick:
    """An answer, always 200, and the ids of the user and the session that it was for."""

    headers: Mapping[str, str]
    body: bytes
    ids: Ids


Shortcut = Callable[[WSGIRequest], Quick]


class Shortcuts:
    """Of SHORTCUTS, by exact path. One that raises anything leaves the request to Django as if nothing had been asked.

    Nor is it asked where Django would have more to say: of another method, or of a browser's request that needs CORS.
    """

    def __init__(self, inner: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self.inner = inner
        self._shortcuts: dict[str, Shortcut] = {path: import_string(name) for path, name in settings.SHORTCUTS.items()}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        shortcut = self._shortcuts.get(environ.get("PATH_INFO", ""))
        quick = _taken(shortcut, environ) if shortcut is not None else None
        if quick is None:
            return self.inner(environ, start_response)
        name = name_of(environ)
        start_response("200 OK", [*quick.headers.items(), (HEADER, name)])
        _note(environ, name, quick.ids)
        return [quick.body]


def _taken(shortcut: Shortcut, environ: Environ) -> Quick | None:
    if environ["REQUEST_METHOD"] != "GET" or "HTTP_ORIGIN" in environ:
        return None
    try:
        request = WSGIRequest(environ)
        request.get_host()
        return shortcut(request)
    except ApiError as refusal:
        environ[REFUSAL] = refusal.with_traceback(None)
        return None
    except (OperationalError, InterfaceError):
        environ[REFUSAL] = ServiceUnavailable()  # to wait for the database once is enough
        return None
    except Exception:  # noqa: BLE001 - Django meets it again, logs it, and has the words for it
        return None
    finally:
        let_go()


def let_go() -> None:
    """Of the database, where it was asked, as Django does after each request; to go through all of them takes longer."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.connection is not None:
        database.close_if_unusable_or_obsolete()


def _note(environ: Environ, name: str, ids: Ids) -> None:
    """What WatchMiddleware does for the others. The path is one of SHORTCUTS."""
    now = time.perf_counter()
    seconds = now - environ.get(ARRIVED, now)
    access.note(Answered(time.time(), name, "GET", environ["PATH_INFO"], 200, seconds, ids))
