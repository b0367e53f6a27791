"""The WSGI application, behind a thin layer that settles what servers and proxies leave open."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import resolve
from django.utils.module_loading import import_string

from core.concurrency import Places
from core.fast_path.middleware import Shortcuts
from core.http import forwarded_headers
from core.http.client_ip import client_address, peer_is_trusted
from core.http.request_context import PEER
from core.observability.middleware import REQUEST_STARTED

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Entrance:
    """Puts the client's own address and scheme into the environ, and lets WEB_THREADS requests work at once.

    The server has more threads than that: a request that waits for a password's hash holds a thread, but no place among the
    working ones and no database connection; see core.concurrency. Bodies are complete before they come here; see
    core.http.wsgi_bridge.
    """

    def __init__(self, inner: Callable[[Environ, StartResponse], Iterable[bytes]], *, at_once: int) -> None:
        self.inner = inner
        self._places = Places(at_once)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _settle_address(environ)
        environ[REQUEST_STARTED] = time.perf_counter()
        with self._places:
            return self.inner(environ, start_response)


def _settle_address(environ: Environ) -> None:
    forwarded_headers.notice(environ)
    trusted = settings.TRUSTED_PROXIES
    environ[PEER] = peer = environ.get("REMOTE_ADDR", "")
    environ["REMOTE_ADDR"] = client_address(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), trusted)
    if not trusted or not peer_is_trusted(peer, trusted):
        return
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip(" \t").lower()
    if scheme in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme


def _warm_up() -> None:
    """What the first requests would make otherwise, several of them at once, each for itself and all for nothing but one."""
    resolve("/healthz")  # reads all paths
    for name in settings.WARM_UP:
        import_string(name)()


application = Entrance(Shortcuts(get_wsgi_application()), at_once=settings.WEB_THREADS)
_warm_up()
