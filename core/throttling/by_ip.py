"""Limits that hold for the address that a request comes from, and for the wider networks of an IPv6 address."""

from django.http import HttpRequest
from rest_framework.request import Request

from core.throttling import limiter
from core.throttling.limiter import Charge
from core.throttling.networks import IPV6_PREFIXES, WIDER_FACTORS, networks_of
from core.throttling.rates import Limit, Limits


def limited(request: HttpRequest | Request, limits: Limits) -> None:
    """Raises RateLimited. Call it once the form is valid: what asks nothing of anybody costs nobody their room."""
    take(limits, request.META.get("REMOTE_ADDR"))


def take(limits: Limits, ip: str | None) -> None:
    """Counts one for each network of the IP, or for none. Raises RateLimited."""
    limiter.take_all(charges(limits, ip))


def charges(limits: Limits, ip: str | None) -> list[Charge]:
    """The limits of the address, or of its /64, and those of its /56 and /48, which are several times as high.

    256 /64s of one /56 would be 256 times the limit otherwise. An IPv4 address has no wider limit: a /24 belongs to many.
    """
    wide, middle, narrow = networks_of(ip)
    found = [Charge(limit, narrow) for limit in limits]
    if ":" in narrow:
        networks = dict(zip(IPV6_PREFIXES, (wide, middle), strict=False))
        found += [Charge(_wider(limit, prefix), networks[prefix]) for prefix in WIDER_FACTORS for limit in limits]
    return found


def neighbourhood(address: str | None) -> str:
    """Whom the address stands for: an IPv4 address for itself, also in IPv6 clothes, one of IPv6 for its /64.

    Those whose address the server does not know are one.
    """
    return networks_of(address)[-1]


def _wider(limit: Limit, prefix: int) -> Limit:
    return Limit(f"{limit.name}-ipv6-{prefix}", limit.amount * WIDER_FACTORS[prefix], limit.seconds)
