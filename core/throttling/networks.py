"""The networks that an IP belongs to, by the sizes in which providers assign them (RFC 6177): /48, /56 and /64, or /24."""

import functools
import ipaddress

# A customer has anything from one /64 to a whole /48, and uses each address and each /64 in it at will.
IPV6_PREFIXES = (48, 56, 64)
# More than one /64 each, so a wider network may do more; not 256 and 65,536 times as much.
WIDER_FACTORS = {56: 4, 48: 8}
_IPV4_PREFIX = 24
LEVELS = len(IPV6_PREFIXES)
UNKNOWN = "unknown"


@functools.lru_cache(maxsize=4096)
def networks_of(ip: str | None) -> tuple[str, str, str]:
    """Return the networks of the IP, the widest first; the last one is what the narrowest limit counts.

    An IPv4 address, also one mapped to IPv6, counts for itself within its /24.
    """
    address = _parse(ip)
    if address is None:
        return (UNKNOWN, UNKNOWN, UNKNOWN)
    if isinstance(address, ipaddress.IPv4Address):
        return (str(ipaddress.ip_network((address, _IPV4_PREFIX), strict=False)), str(address), str(address))
    wide, middle, narrow = (str(ipaddress.ip_network((address, prefix), strict=False)) for prefix in IPV6_PREFIXES)
    return (wide, middle, narrow)


def _parse(ip: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address((ip or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
