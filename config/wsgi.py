"""The WSGI application, behind a thin layer that settles what servers and proxies leave open."""

import os
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import resolve
from django.utils.module_loading import import_string

from config import forwarded
from config.api.client_address import client_address, peer_is_trusted
from config.api.request_id import PEER
from config.places import Places
from config.shortcuts import Shortcuts
from config.watching.middleware import ARRIVED

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Entrance:
    """Puts the client's own address and scheme into the environ, reads the body, and lets WEB_THREADS requests work at once.

    The server has many more threads than that. Those that still wait for a slow client's body hold no place among the
    working ones, no database connection and no processor, so a client that sends byte by byte holds up nobody else. Nor does
    whoever waits for a password's hash; see config.places.
    """

    def __init__(self, inner: Callable[[Environ, StartResponse], Iterable[bytes]], *, at_once: int) -> None:
        self.inner = inner
        self._places = Places(at_once)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _settle_address(environ)
        if environ.get("HTTP_TRANSFER_ENCODING") or environ.get("CONTENT_LENGTH") not in {None, "", "0"}:
            _read_body(environ)
        environ[ARRIVED] = time.perf_counter()
        with self._places:
            return self.inner(environ, start_response)


def _settle_address(environ: Environ) -> None:
    forwarded.notice(environ)
    trusted = settings.TRUSTED_PROXIES
    environ[PEER] = peer = environ.get("REMOTE_ADDR", "")
    environ["REMOTE_ADDR"] = client_address(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), trusted)
    if not trusted or not peer_is_trusted(peer, trusted):
        return
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
    if scheme in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme


def _read_body(environ: Environ) -> None:
    """At most one byte past the limit, which is enough to refuse it. Django takes a body without a length for empty."""
    body = environ["wsgi.input"].read(settings.MAX_BODY_BYTES + 1)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = BytesIO(body)


def _warm_up() -> None:
    """What the first requests would make otherwise, several of them at once, each for itself and all for nothing but one."""
    resolve("/healthz")  # reads all paths
    for name in settings.WARM_UP:
        import_string(name)()


application = Entrance(Shortcuts(get_wsgi_application()), at_once=settings.WEB_THREADS)
_warm_up()
