"""The IP of a client: forwarded headers count only from proxies in TRUSTED_PROXIES."""

import functools
import ipaddress
from collections.abc import Sequence

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WHITESPACE = " \t"  # of RFC 9110 §5.6.3; `strip()` would take the bytes 0x85 and 0xA0 for blanks as well


def client_ip(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the rightmost IP of X-Forwarded-For that is no trusted proxy's: a client may have written those left of it."""
    if not forwarded_for:
        return _normalized(peer)
    ip = _parse(peer)
    hops = [hop for part in forwarded_for.split(",") if (hop := part.strip(_WHITESPACE))]
    while ip is not None and hops and is_trusted(ip, trusted):
        previous = _parse(hops.pop())
        if previous is None:
            break
        ip = previous
    return str(ip) if ip is not None else ""


@functools.lru_cache(maxsize=4096)
def _normalized(peer: str) -> str:
    ip = _parse(peer)
    return str(ip) if ip is not None else ""


def is_trusted(ip: IPAddress | None, trusted: Sequence[Network]) -> bool:
    return ip is not None and any(ip in network for network in trusted)


def peer_is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    return is_trusted(_parse(peer), trusted)


def _parse(text: str) -> IPAddress | None:
    """Read an IP with or without a port, as some proxies write it, and an IPv4-mapped IPv6 address as IPv4."""
    bare = text[1:].split("]", maxsplit=1)[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.split(":")[0]
    try:
        ip = ipaddress.ip_address(
            bare.partition("%")[0]
        )  # a zone has a meaning on one host only, and no database stores it
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip
