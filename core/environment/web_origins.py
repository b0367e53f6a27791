"""Canonical forms of hosts, origins and URLs, as browsers write them. Each function raises ValueError if invalid."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, quote, urlsplit

import idna

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_WEB_SCHEMES = frozenset({"http", "https"})
# The origin schemes that mobile and desktop app shells use for their own pages.
_APP_SCHEMES = frozenset({"app", "capacitor", "chrome-extension", "ionic", "moz-extension", "tauri"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_HOST_LENGTH = 253
# Fetch standard, "forbidden request-header": scripts cannot send them, so no preflight names them.
_NOT_FOR_SCRIPTS = re.compile(
    r"(proxy|sec)-.*|accept-(charset|encoding)|access-control-request-.*|connection|content-length|cookie2?|date|dnt|expect"
    r"|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via"
)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'+.^_`|~-]+")  # RFC 9110 §5.6.2, but for `*`
# Printable ASCII without a backslash, which browsers treat as a slash: `//evil.example` is another host.
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def canonical_host(text: str) -> str:
    """Return the host in lower case, with punycode for international names and brackets around IPv6."""
    name = text.strip("[]")
    if ":" in name:
        return f"[{ipaddress.IPv6Address(name).compressed}]"
    name = name.lower().removesuffix(".")
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode()  # IDNAError is a ValueError
    labels = name.split(".")
    if len(name) > _MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(text)
    if labels[-1].isdigit():
        ipaddress.IPv4Address(name)
    return name


def allowed_host(text: str) -> str:
    """Return a host in the form of ALLOWED_HOSTS: without scheme and port; `.example.com` includes subdomains."""
    if text == "*":
        return text
    is_ipv6 = text.count(":") > 1 and not text.startswith("[")
    host, _, port = (text, "", "") if is_ipv6 else _split_port(text)
    if port and not port.isdecimal():
        raise ValueError(text)
    prefix = "." if host.startswith(".") else ""
    canonical = canonical_host(host.removeprefix("."))
    if "_" in canonical:  # Django refuses such a Host header before it compares ALLOWED_HOSTS
        raise ValueError(text)
    return prefix + canonical


def _split_port(text: str) -> tuple[str, str, str]:
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        if not bracket:
            raise ValueError(text)
        return host + bracket, rest[:1], rest[1:]
    return text.partition(":")


def origin(text: str) -> str:
    """Return scheme, host and port as browsers send them in `Origin`, without a default port or a path."""
    parts = _split(text)
    if parts.scheme not in _WEB_SCHEMES | _APP_SCHEMES or parts.path not in {"", "/"}:
        raise ValueError(text)
    if parts.scheme in _APP_SCHEMES and parts.netloc == ".":
        return f"{parts.scheme}://."  # Electron's pages
    return _format_origin(parts)


def header_name(text: str) -> str:
    """Return the lower-case name of a request header that scripts may send."""
    name = text.lower()
    if not _HEADER_NAME.fullmatch(name) or _NOT_FOR_SCRIPTS.fullmatch(name):
        raise ValueError(text)
    return name


def redirect_target(text: str) -> str:
    """Return an absolute https URL, or a path on this host."""
    if _LOCAL_PATH.fullmatch(text):
        return text
    parts = urlsplit(text)
    rest = text.partition("://")[2].removeprefix(parts.netloc)
    is_plain = rest.isascii() and text.isprintable() and not set(text) & set(" \\")
    if not is_plain or parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.port == 0:
        raise ValueError(text)
    return _format_origin(parts) + rest


def web_url(text: str) -> str:
    """Return an http or https URL without user, query, fragment and trailing slash."""
    parts = _split(text)
    if parts.scheme not in _WEB_SCHEMES:
        raise ValueError(text)
    return _format_origin(parts) + quote(parts.path, safe=_PATH_CHARACTERS).rstrip("/")


def _split(text: str) -> SplitResult:
    """Refuse characters that browsers read differently: `urlsplit` drops line breaks and keeps a backslash in the host."""
    if "\\" in text or "?" in text or "#" in text or any(map(str.isspace, text)):
        raise ValueError(text)
    parts = urlsplit(text)
    if parts.username is not None or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return parts


def _format_origin(parts: SplitResult) -> str:
    host = canonical_host(parts.hostname or "")
    has_port = parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}:{parts.port}" if has_port else f"{parts.scheme}://{host}"


def cookie_domain(text: str, allowed_hosts: Collection[str]) -> str | None:
    """Return the domain. Browsers refuse cookies for an IP, a single label (`com`) or a foreign domain (RFC 6265 §5.3)."""
    if not text:
        return None
    domain = canonical_host(text.removeprefix("."))
    has_host = any(host == "*" or f".{host.lstrip('.')}".endswith(f".{domain}") for host in allowed_hosts)
    if "." not in domain or "[" in domain or domain.rpartition(".")[2].isdigit() or not has_host:
        raise ValueError(text)
    return ("." if text.startswith(".") else "") + domain


def network(text: str) -> Network:
    """Return a CIDR or a single IP. An IPv4-mapped IPv6 network becomes IPv4, since peers are compared as IPv4."""
    parsed = ipaddress.ip_network(text)
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.network_address.ipv4_mapped:
        if parsed.prefixlen < 96:
            raise ValueError(text)
        return ipaddress.IPv4Network((parsed.network_address.ipv4_mapped, parsed.prefixlen - 96))
    return parsed
