"""Notices a proxy that nobody named, whose every client would pass for one and the same."""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")
_noticed = threading.Event()


def notice(environ: Mapping[str, Any]) -> None:
    """Warns once a process: the headers may be forged by a client that comes directly, and must not fill the log."""
    if settings.DEBUG or settings.TRUSTED_PROXIES or _noticed.is_set():
        return
    if any(name in environ for name in _HEADERS):
        _noticed.set()
        logger.warning(
            "A request came with forwarded headers, from %s, and TRUSTED_PROXIES is empty. If that is your proxy, name it"
            " there: until then all its clients share one address and its limits, and TLS is not seen.",
            environ.get("REMOTE_ADDR", ""),
        )
