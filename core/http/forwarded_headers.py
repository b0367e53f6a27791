"""A warning for a proxy that TRUSTED_PROXIES does not name: all of its clients would count as one."""

import ipaddress
import logging
import threading
from collections.abc import Mapping
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")
_has_warned = threading.Event()


def warn_if_unconfigured(environ: Mapping[str, Any]) -> None:
    """Warn once in a process: a client that connects directly may forge the headers, and must not fill the log."""
    if settings.DEBUG or settings.TRUSTED_PROXIES or _has_warned.is_set():
        return
    if any(name in environ for name in _HEADERS):
        _has_warned.set()
        logger.warning(
            "A request came with forwarded headers, from %s, and TRUSTED_PROXIES is empty. If that is your proxy, name it"
            " there: until then all its clients share one IP and its rate limits, and TLS is not detected.",
            _describe(environ.get("REMOTE_ADDR", "")),
        )


def _describe(peer: str) -> str:
    """Return a private IP as it is, and no public one: it may be a client's, which is personal data."""
    try:
        return peer if ipaddress.ip_address(peer).is_private else "a public IP"
    except ValueError:
        return "an unknown IP"
