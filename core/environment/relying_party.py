"""The relying party ID and the origins of passkeys (WebAuthn Level 3). Each function raises ValueError if invalid."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from core.environment import web_origins

LOCALHOST = "localhost"
# The base64url SHA-256 of the certificate that signs an Android app, without padding.
_ANDROID_ORIGIN = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}")


def rp_id(text: str) -> str:
    """Return a domain name, or `localhost`. Browsers refuse IPs, and a single label is a public suffix (`com`)."""
    host = web_origins.canonical_host(text)
    if not is_public(host) and host != LOCALHOST:
        raise ValueError(text)
    return host


def is_public(host: str) -> bool:
    """Return whether the host is a domain name, not an IP or a single label."""
    return "." in host and not _is_ip(host) and "_" not in host


def default_rp_id(url: str) -> str:
    """Return the host of the URL. Browsers accept no IP, but on one's own computer `localhost` in its place."""
    host = urlsplit(url).hostname or ""
    return LOCALHOST if is_loopback(host) else web_origins.canonical_host(host)


def origin(text: str) -> str:
    """Return a web origin, or that of an Android app."""
    return text if _ANDROID_ORIGIN.fullmatch(text) else web_origins.origin(text)


def origins(text: str) -> list[str]:
    return [origin(part.strip()) for part in text.split(",") if part.strip()]


def default_origins(urls: Iterable[str], *, rp_id: str) -> list[str]:
    """Return the distinct origins of those URLs whose host is the relying party ID or a subdomain of it."""
    origins = [_with_localhost(url) for url in urls if urlsplit(url).scheme in {"http", "https"}]
    return [each for each in dict.fromkeys(origins) if is_under(each, rp_id=rp_id)]


def is_under(origin: str, *, rp_id: str) -> bool:
    """Return whether a page of the origin may use the relying party ID without a related origin request (§5.11)."""
    return f".{urlsplit(origin).hostname}".endswith(f".{rp_id}")


def is_loopback(host: str) -> bool:
    return host == LOCALHOST or (_is_ip(host) and ipaddress.ip_address(host.strip("[]")).is_loopback)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _with_localhost(url: str) -> str:
    parts = urlsplit(url)
    if not is_loopback(parts.hostname or ""):
        return web_origins.origin(f"{parts.scheme}://{parts.netloc}")
    port = f":{parts.port}" if parts.port else ""
    return web_origins.origin(f"{parts.scheme}://{LOCALHOST}{port}")
