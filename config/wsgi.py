"""The WSGI application: WsgiGateway, then the fast paths, then Django."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import resolve
from django.utils.module_loading import import_string

from core.concurrency import WorkerSlots
from core.fast_path.middleware import FastPathMiddleware
from core.http import forwarded_headers
from core.http.client_ip import client_ip, peer_is_trusted
from core.http.request_context import PEER
from core.observability.middleware import REQUEST_STARTED

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class WsgiGateway:
    """WSGI middleware that sets the client's own IP and scheme, and lets `max_concurrency` requests run at once.

    The server has more threads than that: a request that waits for a password hash keeps its thread, but neither a worker slot
    nor a database connection; see core.concurrency. Bodies are complete when they arrive here; see core.http.wsgi_bridge.
    """

    def __init__(self, inner: Callable[[Environ, StartResponse], Iterable[bytes]], *, max_concurrency: int) -> None:
        self.inner = inner
        self._slots = WorkerSlots(max_concurrency)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _apply_forwarded_headers(environ)
        environ[REQUEST_STARTED] = time.perf_counter()
        with self._slots:
            return self.inner(environ, start_response)


def _apply_forwarded_headers(environ: Environ) -> None:
    forwarded_headers.warn_if_unconfigured(environ)
    trusted = settings.TRUSTED_PROXIES
    environ[PEER] = peer = environ.get("REMOTE_ADDR", "")
    environ["REMOTE_ADDR"] = client_ip(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), trusted)
    if not trusted or not peer_is_trusted(peer, trusted):
        return
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip(" \t").lower()
    if scheme in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme


def _preload() -> None:
    """Build expensive objects before the first request, so that concurrent first requests do not each build them."""
    resolve("/healthz")  # loads the URL configuration
    for name in settings.PRELOAD:
        import_string(name)()


def _application() -> WsgiGateway:
    django = get_wsgi_application()
    return WsgiGateway(
        FastPathMiddleware(django, import_string(settings.FAST_PATHS)), max_concurrency=settings.WEB_THREADS
    )


application = _application()
_preload()
