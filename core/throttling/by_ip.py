"""Limits per IP, and for the wider networks of an IPv6 address."""

from django.http import HttpRequest
from rest_framework.request import Request

from core.throttling import limiter
from core.throttling.limiter import Charge
from core.throttling.networks import IPV6_PREFIXES, WIDER_FACTORS, networks_of
from core.throttling.rates import Limit, Limits


def enforce_ip_limit(request: HttpRequest | Request, limits: Limits) -> None:
    """Raises RateLimited. Call after validation, so that invalid requests consume no quota."""
    consume(limits, request.META.get("REMOTE_ADDR"))


def consume(limits: Limits, ip: str | None) -> None:
    """Count one request for each network of the IP, or for none. Raises RateLimited."""
    limiter.consume_all(charges(limits, ip))


def charges(limits: Limits, ip: str | None) -> list[Charge]:
    """Return the charges for an IPv4 address, or for an IPv6 /64 and, with higher limits, its /56 and /48.

    Otherwise the 256 /64s of one /56 would have 256 times the limit. An IPv4 /24 has no limit: it belongs to many customers.
    """
    wide, middle, narrow = networks_of(ip)
    result = [Charge(limit, narrow) for limit in limits]
    if ":" in narrow:
        networks = dict(zip(IPV6_PREFIXES, (wide, middle), strict=False))
        result += [Charge(_wider(limit, prefix), networks[prefix]) for prefix in WIDER_FACTORS for limit in limits]
    return result


def network_of(ip: str | None) -> str:
    """Return the IPv4 address, also for one mapped to IPv6, or the /64 of an IPv6 address; "unknown" without an IP."""
    return networks_of(ip)[-1]


def _wider(limit: Limit, prefix: int) -> Limit:
    return Limit(f"{limit.name}-ipv6-{prefix}", limit.amount * WIDER_FACTORS[prefix], limit.seconds)
