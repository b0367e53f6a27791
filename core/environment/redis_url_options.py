"""The supported options of a Redis URL and their parsers. Each option means the same for the cache and the broker."""

import math
import ssl
from collections.abc import Callable, Mapping
from typing import Any

ONLY_TCP = frozenset({"socket_keepalive"})
_VERIFICATION = {
    "required": ssl.CERT_REQUIRED,
    "cert_required": ssl.CERT_REQUIRED,
    "optional": ssl.CERT_OPTIONAL,
    "cert_optional": ssl.CERT_OPTIONAL,
    "none": ssl.CERT_NONE,
    "cert_none": ssl.CERT_NONE,
}
_ON = frozenset({"1", "true", "yes", "on", "t", "y"})
_OFF = frozenset({"0", "false", "no", "off", "f", "n"})
_MAX_NAME = 64
# A socket treats a timeout below a millisecond as none; a timeout of 300 years overflows at the first connection.
_MIN_SECONDS, _MAX_SECONDS = 0.001, 3600
_MAX_WHOLE_NUMBER = 86_400  # the seconds of a day, and more connections than a process opens


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not math.isfinite(value) or not _MIN_SECONDS <= value <= _MAX_SECONDS:
        raise ValueError(f"a number of seconds from {_MIN_SECONDS} to {_MAX_SECONDS}")
    return value


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_WHOLE_NUMBER:
        raise ValueError(f"a whole number up to {_MAX_WHOLE_NUMBER}")
    return int(text)


def _count(text: str) -> int:
    if not _integer(text):
        raise ValueError("a whole number above 0")
    return int(text)


def _switch(text: str) -> bool:
    if text.lower() not in _ON | _OFF:
        raise ValueError("true or false")
    return text.lower() in _ON


def _protocol(text: str) -> int:
    if text not in {"2", "3"}:
        raise ValueError("2 or 3")
    return int(text)


def _name(text: str) -> str:
    """Return the name of a connection, as CLIENT SETNAME accepts it."""
    if not text or len(text) > _MAX_NAME or not all("!" <= character <= "~" for character in text):
        raise ValueError(f"1 to {_MAX_NAME} visible ASCII characters")
    return text


def _verification(text: str) -> ssl.VerifyMode:
    mode = _VERIFICATION.get(text.lower())
    if mode is None:
        raise ValueError("required, optional or none")
    return mode


def _text(text: str) -> str:
    if not text:
        raise ValueError("given a value")
    return text


READERS: Mapping[str, Callable[[str], Any]] = {
    "client_name": _name,
    "health_check_interval": _integer,
    "max_connections": _count,
    "protocol": _protocol,
    "socket_connect_timeout": _seconds,
    "socket_keepalive": _switch,
    "socket_timeout": _seconds,
    "ssl_ca_certs": _text,
    "ssl_ca_path": _text,
    "ssl_cert_reqs": _verification,
    "ssl_certfile": _text,
    "ssl_check_hostname": _switch,
    "ssl_keyfile": _text,
}


def tls_problem(given: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the TLS files, or None. Otherwise each connection would fail later, without naming the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities = given.get("ssl_ca_certs"), given.get("ssl_ca_path")
    try:
        if any(authorities):
            context.load_verify_locations(*authorities)
    except OSError:
        return "names certificates (ssl_ca_certs, ssl_ca_path) that cannot be read"
    if "ssl_keyfile" in given and "ssl_certfile" not in given:
        return "has the option ssl_keyfile without ssl_certfile"
    try:
        if "ssl_certfile" in given:
            context.load_cert_chain(given["ssl_certfile"], given.get("ssl_keyfile"), password=lambda: "")
    except (OSError, ValueError):
        return "names a certificate or a key (ssl_certfile, ssl_keyfile) that cannot be read"
    return None
