"""Typed readers of environment variables: each is read once, and a bad one stops the start by its name."""

import contextlib
import ipaddress
import os
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.embedded.paths import BASE_DIR, var_dir
from config.secret_strength import weakness

T = TypeVar("T")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=36_525)  # a century from now is still a date

_ENV_FILE = Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env")
if _ENV_FILE.is_file():
    environ.Env.read_env(_ENV_FILE)  # the process's own environment wins
_WEB_SCHEMES = frozenset({"http", "https"})
# What the shells of mobile and desktop apps call the origin of the pages within.
_APP_SCHEMES = frozenset({"app", "capacitor", "chrome-extension", "ionic", "moz-extension", "tauri"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+")  # RFC 9110 §5.6.2, but for `*`
_LOCAL_PATH = re.compile(
    r"/(?![/\\])[!-\[\]-~]*"
)  # printable ASCII without a backslash, which browsers take for a slash


class BadVariable(ImproperlyConfigured):
    """An environment variable is missing or cannot be used; the message starts with its name."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}")


def text(name: str, default: str | None = None) -> str:
    """The variable's text; `NAME_FILE` may name a file that holds it instead (for mounted secrets)."""
    value = os.environ.get(name) or _from_file(name) or default
    if value is None:
        raise BadVariable(name, "is not set; it is required when DEBUG is off")
    return value


def is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _from_file(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadVariable(f"{name}_FILE", f"names a file that cannot be read: {path}") from error


def parsed(name: str, default: str | None, parse: Callable[[str], T], expected: str) -> T:
    """The variable through `parse`; a ValueError from it becomes an error that says what was `expected`."""
    value = text(name, default)
    try:
        return parse(value)
    except ValueError as error:
        raise BadVariable(name, f"must be {expected}; it is {value!r}") from error


def boolean(name: str, *, default: bool) -> bool:
    return parsed(name, "on" if default else "off", _parse_boolean, "on or off")


def _parse_boolean(value: str) -> bool:
    word = value.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError


def integer(name: str, default: int, *, least: int = 0) -> int:
    value = parsed(name, str(default), int, "a whole number")
    if value < least:
        raise BadVariable(name, f"must be at least {least}; it is {value}")
    return value


def duration(name: str, default: str) -> timedelta:
    """A length of time: a whole number and a unit, `30s`, `15m`, `12h` or `7d`."""
    return parsed(name, default, _parse_duration, "a length of time such as 30s, 15m, 12h or 7d")


def _parse_duration(value: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", value.strip())
    if match is None:
        raise ValueError
    try:
        length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError as error:
        raise ValueError from error
    if length > _LONGEST:
        raise ValueError
    return length


def duration_or_zero(name: str, default: str) -> timedelta:
    """As `duration`; `0` switches the thing off."""
    return timedelta(0) if text(name, default).strip() in {"0", "0s"} else duration(name, default)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    value = text(name, default).strip().lower()
    if value not in options:
        raise BadVariable(name, f"must be one of {', '.join(options)}; it is {value!r}")
    return value


def words(name: str, default: str | None = "") -> list[str]:
    """A list separated by commas; blanks around the parts are dropped."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """A list of CIDRs or single addresses."""
    return parsed(
        name,
        "",
        lambda value: [ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()],
        "a list of CIDRs",
    )


def origins(name: str) -> list[str]:
    """A list of web origins (scheme, host and port, nothing after them), in the lower case that browsers send."""
    found = [part.rstrip("/").lower() for part in words(name)]
    for origin in found:
        if "*" in origin:
            raise BadVariable(
                name, f"must be the addresses of single sites, such as https://app.example.com; it is {origin!r}"
            )
        _check_url(name, origin, only_origin=True)
    return found


def header_names(name: str) -> list[str]:
    """Read a list of header names, in lower case. `*` is none: with credentials browsers take it for a name (Fetch standard)."""
    found = [part.lower() for part in words(name)]
    for header in found:
        if not _HEADER_NAME.fullmatch(header):
            raise BadVariable(name, f"must be a list of header names, such as x-tenant; it holds {header!r}")
    return found


def redirect_target(name: str, default: str) -> str:
    """Read an absolute https address, or a path on this host. Another host must not be named by a path (`//evil.example`)."""
    value = text(name, default)
    if _LOCAL_PATH.fullmatch(value) or _is_https(value):
        return value
    raise BadVariable(name, f"must be an https address, or a path that starts with a single slash; it is {value!r}")


def _is_https(value: str) -> bool:
    try:
        parts = urlsplit(value)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_plain = re.fullmatch(r"[!-\[\]-~]+", value) is not None
    return is_plain and parts.scheme == "https" and bool(parts.hostname) and has_port and "@" not in parts.netloc


def url(name: str, default: str | None) -> str:
    """An http or https address without a trailing slash."""
    value = text(name, default).rstrip("/")
    if value:
        _check_url(name, value)
    return value


def _check_url(name: str, value: str, *, only_origin: bool = False) -> None:
    try:
        parts = urlsplit(value)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError as error:
        raise BadVariable(name, f"must be an http or https address; it is {value!r}") from error
    extra = parts.path or parts.query or parts.fragment if only_origin else parts.query or parts.fragment
    schemes = _WEB_SCHEMES | _APP_SCHEMES if only_origin else _WEB_SCHEMES
    if parts.scheme not in schemes or not parts.hostname or not port_is_right or extra:
        raise BadVariable(name, f"must be an http or https address, such as https://app.example.com; it is {value!r}")


def secret(name: str, *, debug: bool) -> str:
    """A signing secret. In development one is made at random and kept, so that no clone shares a key with another."""
    value = os.environ.get(name) or _from_file(name)
    if value is None and debug:
        return _development_secret(name)
    if value is None:
        raise BadVariable(name, "is not set; it is required when DEBUG is off. Make one with: openssl rand -base64 48")
    if not debug:
        refuse_weak(name, value)
    return value


def refuse_weak(name: str, value: str) -> None:
    problem = weakness(value)
    if problem:
        raise BadVariable(name, problem)


def refuse_equal(first: tuple[str, str], *others: tuple[str, str]) -> None:
    """Pairs of a name and its secret: whoever learns one key must not have learnt another."""
    for name, value in others:
        if value == first[1]:
            raise BadVariable(name, f"is the same as {first[0]}; make one of its own with: openssl rand -base64 48")


def _development_secret(name: str) -> str:
    path = var_dir() / f"dev-{name.lower().replace('_', '-')}"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        _link_unless_there(draft, path)
        draft.unlink()
    return path.read_text()


def _link_unless_there(draft: Path, path: Path) -> None:
    """Two processes that start at once agree on the secret of the first."""
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
