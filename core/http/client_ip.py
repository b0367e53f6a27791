"""Where a request really comes from: forwarded headers count only from proxies that are trusted by name."""

import functools
import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_WHITESPACE = " \t"  # of RFC 9110 §5.6.3; `strip()` would take the bytes 0x85 and 0xA0 for blanks as well
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy, read from the right: what stands left of it anybody may have written."""
    if not forwarded_for:
        return _in_full(peer)
    address = _parse(peer)
    hops = [hop for part in forwarded_for.split(",") if (hop := part.strip(_WHITESPACE))]
    while address is not None and hops and is_trusted(address, trusted):
        nearer = _parse(hops.pop())
        if nearer is None:
            break
        address = nearer
    return str(address) if address is not None else ""


@functools.lru_cache(maxsize=4096)
def _in_full(peer: str) -> str:
    address = _parse(peer)
    return str(address) if address is not None else ""


def is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)


def peer_is_trusted(peer: str, trusted: Sequence[Network]) -> bool:
    return is_trusted(_parse(peer), trusted)


def _parse(text: str) -> Address | None:
    """Some proxies write `address:port` or `[address]:port`; an IPv4 address in IPv6 clothes is the IPv4 address."""
    bare = text[1:].split("]", maxsplit=1)[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.split(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])  # a zone means nothing elsewhere, and to no database
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
