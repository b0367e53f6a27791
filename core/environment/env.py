"""Typed readers of environment variables: each is read once, and a bad one stops the start by its name."""

import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from core.environment import web_origins
from core.environment.development_secrets import development_secret
from core.environment.secret_strength import weakness
from core.environment.sources import BadVariable as BadVariable
from core.environment.sources import is_set as is_set
from core.environment.sources import value_of

T = TypeVar("T")

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=36_525)  # a century from now is still a date
_MAX_INTEGER = 2**31 - 1  # what a column of the database can be compared with
_MAX_SHOWN = 80

# What the shells of mobile and desktop apps call the origin of the pages within.
_APP_SCHEMES = frozenset({"app", "capacitor", "chrome-extension", "ionic", "moz-extension", "tauri"})


def text(name: str, default: str | None = None) -> str:
    """The variable's text; `NAME_FILE` may name a file that holds it instead (for mounted secrets)."""
    value = value_of(name) or default
    if value is None:
        raise BadVariable(name, "is not set; it is required when DEBUG is off")
    return value


def parsed(name: str, default: str | None, parse: Callable[[str], T], expected: str) -> T:
    """The variable through `parse`; a ValueError from it becomes an error that says what was `expected`."""
    value = text(name, default)
    try:
        return parse(value)
    except ValueError:
        # An address with an @ may hold a password.
        shown = "" if "@" in value or len(value) > _MAX_SHOWN else f"; it is {value!r}"
        raise BadVariable(name, f"must be {expected}{shown}") from None


def boolean(name: str, *, default: bool) -> bool:
    return parsed(name, "on" if default else "off", _parse_boolean, "on or off")


def _parse_boolean(value: str) -> bool:
    word = value.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError


def integer(name: str, default: int, *, least: int = 0, maximum: int = _MAX_INTEGER) -> int:
    value = parsed(name, str(default), _parse_integer, "a whole number")
    if not least <= value <= maximum:
        bound = f"at least {least}" if value < least else f"at most {maximum}"
        raise BadVariable(name, f"must be {bound}; it is {value}")
    return value


def _parse_integer(value: str) -> int:
    """`int` would take `1_0` and digits of other scripts as well."""
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise ValueError
    return int(value)


def duration(name: str, default: str) -> timedelta:
    """A length of time: a whole number and a unit, `30s`, `15m`, `12h` or `7d`."""
    return parsed(name, default, _parse_duration, "a length of time such as 30s, 15m, 12h or 7d")


def _parse_duration(value: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", value)
    if match is None:
        raise ValueError
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if length > _LONGEST:
        raise ValueError
    return length


def duration_or_zero(name: str, default: str) -> timedelta:
    """As `duration`; `0` switches the thing off."""
    return timedelta(0) if text(name, default) in {"0", "0s"} else duration(name, default)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in options:
        raise BadVariable(name, f"must be one of {', '.join(options)}; it is {value!r}")
    return value


def word(name: str, default: str) -> str:
    """One name without blanks and commas, as an issuer or an audience is, and as it fits into a token in a cookie."""
    value = text(name, default)
    if not re.fullmatch(r"[^\s,]{1,200}", value):
        raise BadVariable(name, "must be one name of at most 200 characters without blanks and commas")
    return value


def words(name: str, default: str | None = "") -> list[str]:
    """A list separated by commas; blanks around the parts are dropped."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def _list_of(parse: Callable[[str], T]) -> Callable[[str], list[T]]:
    return lambda value: [parse(part.strip()) for part in value.split(",") if part.strip()]


def networks(name: str) -> list[web_origins.Network]:
    """A list of CIDRs or single addresses."""
    expected = "a list of CIDRs or addresses, such as 10.0.0.0/8,192.0.2.7, with no bits set after the prefix"
    return parsed(name, "", _list_of(web_origins.network), expected)


def origins(name: str) -> list[str]:
    """A list of web origins (scheme, host and port, nothing after them), as browsers send them."""
    expected = "the addresses of single sites without a path, such as https://app.example.com"
    return parsed(name, "", _list_of(lambda part: web_origins.origin(part, _APP_SCHEMES)), expected)


def hosts(name: str, default: str | None) -> list[str]:
    """A list of host names, as ALLOWED_HOSTS has them."""
    expected = "a list of hosts without scheme and path, such as auth.example.com or .example.com for all below it"
    if found := parsed(name, default, _list_of(web_origins.allowed_host), expected):
        return found
    raise BadVariable(name, f"must be {expected}; it is empty")


def header_names(name: str) -> list[str]:
    """Read a list of header names, in lower case. `*` is none: with credentials browsers take it for a name (Fetch standard)."""
    return parsed(
        name, "", _list_of(web_origins.header_name), "a list of header names that scripts may send, such as x-tenant"
    )


def redirect_target(name: str, default: str) -> str:
    """Read an absolute https address, or a path on this host."""
    expected = "an https address, or a path that starts with a single slash"
    return parsed(name, default, web_origins.redirect_target, expected)


def usernames(name: str, default: str) -> list[str]:
    """A list of usernames in lower case, as they are compared."""
    found = [part.lower() for part in words(name, default)]
    bad = [part for part in found if not re.fullmatch(r"[a-z0-9_-]+", part)]
    if bad:
        raise BadVariable(name, f"must be a list of usernames (ASCII letters, digits, - and _); it has {bad[0]!r}")
    return found


def cookie_domain(name: str, allowed_hosts: Collection[str]) -> str | None:
    """A domain whose cookies browsers take from this service: not an address, not a single label, a parent of a host."""
    expected = "a domain that a host of ALLOWED_HOSTS belongs to, such as example.com, without port"
    return parsed(name, "", lambda value: web_origins.cookie_domain(value, allowed_hosts), expected)


def url(name: str, default: str | None) -> str:
    """An http or https address without a trailing slash."""
    expected = "an http or https address without user, query or fragment, such as https://app.example.com"
    return parsed(name, default, lambda value: web_origins.web_url(value) if value else "", expected)


def site(name: str, default: str | None) -> str:
    """As `url`, without a path: this project serves its pages and its API from the root of a host."""
    value = url(name, default)
    if urlsplit(value).path:
        raise BadVariable(name, f"must have no path, such as https://auth.example.com; it is {value!r}")
    return value


def secret(name: str, *, debug: bool) -> str:
    """A signing secret. In development one is made at random and kept, so that no clone shares a key with another."""
    value = value_of(name)
    if value is None and debug:
        return development_secret(name)
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
