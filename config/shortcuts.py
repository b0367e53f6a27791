"""Answers the busiest requests in front of Django, where they go the usual way; anything else is Django's."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from config.api.request_id import HEADER, name_of

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
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
        start_response("200 OK", [*headers.items(), (HEADER, name_of(environ))])
        return [body]
