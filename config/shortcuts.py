"""Answers the busiest requests in front of Django, where they go the usual way; anything else is Django's."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from config.api.request_id import HEADER, name_of
from config.metrics import known_method
from config.watching import access
from config.watching.lines import Answered
from config.watching.middleware import ARRIVED

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
PRINCIPAL = "vestibule.principal"  # in the environ: for whom a shortcut answered, with `id` and `session_id`
Shortcut = Callable[[Environ], tuple[Mapping[str, str], bytes] | None]


class Shortcuts:
    """Of SHORTCUTS, by exact path. One that returns None leaves the request to Django as if nothing had been asked."""

    def __init__(self, inner: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self.inner = inner
        self._shortcuts: dict[str, Shortcut] = {path: import_string(name) for path, name in settings.SHORTCUTS.items()}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        shortcut = self._shortcuts.get(environ.get("PATH_INFO", ""))
        answer = shortcut(environ) if shortcut is not None else None
        if answer is None:
            return self.inner(environ, start_response)
        headers, body = answer
        name = name_of(environ)
        start_response("200 OK", [*headers.items(), (HEADER, name)])
        _note(environ, name)
        return [body]


def _note(environ: Environ, name: str) -> None:
    """What WatchMiddleware does for the others. The path is one of SHORTCUTS."""
    principal = environ.get(PRINCIPAL)
    ids = (principal.id, principal.session_id) if principal is not None else (None, None)
    now, method = time.perf_counter(), known_method(environ.get("REQUEST_METHOD"))
    seconds = now - environ.get(ARRIVED, now)
    access.note(Answered(time.time(), name, method, environ["PATH_INFO"], 200, seconds, ids))
