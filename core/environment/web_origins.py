"""Canonical forms of hosts, origins and addresses, as browsers write them; each function raises ValueError."""

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, quote, urlsplit

import idna

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_WEB_SCHEMES = frozenset({"http", "https"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_HOST_LENGTH = 253
# Fetch standard, "forbidden request-header": no script can send them, so no preflight asks for them.
_NOT_FOR_SCRIPTS = re.compile(
    r"(proxy|sec)-.*|accept-(charset|encoding)|access-control-request-.*|connection|content-length|cookie2?|date|dnt|expect"
    r"|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via"
)
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'+.^_`|~-]+")  # RFC 9110 §5.6.2, but for `*`
# Printable ASCII without a backslash, which browsers take for a slash: `//evil.example` is another host.
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def canonical_host(text: str) -> str:
    """In lower case, an international name in punycode (browsers and mail servers send no other), IPv6 in brackets."""
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
    """A host as Django compares it: without scheme and port, which it never compares; `.example.com` includes subdomains."""
    if text == "*":
        return text
    is_ipv6 = text.count(":") > 1 and not text.startswith("[")
    host, _, port = (text, "", "") if is_ipv6 else _split_port(text)
    if port and not port.isdecimal():
        raise ValueError(text)
    prefix = "." if host.startswith(".") else ""
    canonical = canonical_host(host.removeprefix("."))
    if "_" in canonical:  # Django refuses such a Host header before it looks here
        raise ValueError(text)
    return prefix + canonical


def _split_port(text: str) -> tuple[str, str, str]:
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        if not bracket:
            raise ValueError(text)
        return host + bracket, rest[:1], rest[1:]
    return text.partition(":")


def origin(text: str, app_schemes: Collection[str]) -> str:
    """Scheme, host and port, as a browser sends them in `Origin`: without a default port or a path."""
    parts = _split(text)
    if parts.scheme not in _WEB_SCHEMES | frozenset(app_schemes) or parts.path not in {"", "/"}:
        raise ValueError(text)
    if parts.scheme in app_schemes and parts.netloc == ".":
        return f"{parts.scheme}://."  # Electron's pages
    return _origin_of(parts)


def header_name(text: str) -> str:
    """The name of a request header that a script may send, in lower case."""
    name = text.lower()
    if not _HEADER_NAME.fullmatch(name) or _NOT_FOR_SCRIPTS.fullmatch(name):
        raise ValueError(text)
    return name


def redirect_target(text: str) -> str:
    """An absolute https address, or a path on this host."""
    if _LOCAL_PATH.fullmatch(text):
        return text
    parts = urlsplit(text)
    rest = text.partition("://")[2].removeprefix(parts.netloc)
    is_plain = rest.isascii() and text.isprintable() and not set(text) & set(" \\")
    if not is_plain or parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.port == 0:
        raise ValueError(text)
    return _origin_of(parts) + rest


def web_url(text: str) -> str:
    """An http or https address without user, query or fragment, and without a slash at its end."""
    parts = _split(text)
    if parts.scheme not in _WEB_SCHEMES:
        raise ValueError(text)
    return _origin_of(parts) + quote(parts.path, safe=_PATH_CHARACTERS).rstrip("/")


def _split(text: str) -> SplitResult:
    """`urlsplit` drops line breaks and takes a backslash for a part of the host; browsers take it for a slash."""
    if "\\" in text or "?" in text or "#" in text or any(map(str.isspace, text)):
        raise ValueError(text)
    parts = urlsplit(text)
    if parts.username is not None or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return parts


def _origin_of(parts: SplitResult) -> str:
    host = canonical_host(parts.hostname or "")
    has_port = parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}:{parts.port}" if has_port else f"{parts.scheme}://{host}"


def cookie_domain(text: str, allowed_hosts: Collection[str]) -> str | None:
    """Browsers refuse a cookie for an IP address, for a single label (`com`) and for a foreign domain (RFC 6265 5.3)."""
    if not text:
        return None
    domain = canonical_host(text.removeprefix("."))
    has_host = any(host == "*" or f".{host.lstrip('.')}".endswith(f".{domain}") for host in allowed_hosts)
    if "." not in domain or "[" in domain or domain.rpartition(".")[2].isdigit() or not has_host:
        raise ValueError(text)
    return ("." if text.startswith(".") else "") + domain


def network(text: str) -> Network:
    """A CIDR or a single address. An IPv4 network in IPv6 form is that IPv4 network, since peers are compared as IPv4."""
    found = ipaddress.ip_network(text)
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped:
        if found.prefixlen < 96:
            raise ValueError(text)
        return ipaddress.IPv4Network((found.network_address.ipv4_mapped, found.prefixlen - 96))
    return found
