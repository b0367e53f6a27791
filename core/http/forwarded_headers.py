"""Notices a proxy that nobody named, whose every client would pass for one and the same."""

import ipaddress
import logging
import threading
from collections.abc import Mapping
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")
_noticed = threading.Event()


def notice(environ: Mapping[str, Any]) -> None:
    """Warns once a process: the headers may be forged by a client that comes directly, and must not fill the log.

    Its address is nobody's business there; that of a proxy is one of a network of our own.
    """
    if settings.DEBUG or settings.TRUSTED_PROXIES or _noticed.is_set():
        return
    if any(name in environ for name in _HEADERS):
        _noticed.set()
        logger.warning(
            "A request came with forwarded headers, from %s, and TRUSTED_PROXIES is empty. If that is your proxy, name it"
            " there: until then all its clients share one address and its limits, and TLS is not seen.",
            _shown(environ.get("REMOTE_ADDR", "")),
        )


def _shown(peer: str) -> str:
    try:
        return peer if ipaddress.ip_address(peer).is_private else "a public address"
    except ValueError:
        return "an unknown address"
