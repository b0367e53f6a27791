"""Limits that hold for the address that a request comes from."""

import ipaddress

from django.http import HttpRequest
from rest_framework.request import Request

from config.rate_limits import limiter
from config.rate_limits.limit import Limits

_PREFIX = 64  # what one customer of a provider has of IPv6, and walks through at will


def limited(request: HttpRequest | Request, limits: Limits) -> None:
    """Raises RateLimited. Call it once the form is valid: what asks nothing of anybody costs nobody their room."""
    limiter.take(limits, neighbourhood(request.META.get("REMOTE_ADDR")))


def neighbourhood(address: str | None) -> str:
    """Whom the address stands for: an IPv4 address for itself, also in IPv6 clothes, one of IPv6 for its /64.

    Those whose address the server does not know are one.
    """
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, _PREFIX), strict=False))
    return str(found)
