"""Typed readers of environment variables. A missing or invalid variable stops the start with an error that names it."""

import re
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from core.environment import web_origins
from core.environment.development_secrets import development_secret
from core.environment.secret_strength import secret_weakness
from core.environment.sources import BadVariable as BadVariable
from core.environment.sources import get_value
from core.environment.sources import is_set as is_set

T = TypeVar("T")

_BOOLEANS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX_DURATION = timedelta(days=36_525)  # a century from now is still a date
_MAX_INTEGER = 2**31 - 1  # what a column of the database can be compared with
_MAX_SHOWN = 80


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text. `NAME_FILE` may name a file that holds the value instead, as mounted secrets do."""
    value = get_value(name) or default
    if value is None:
        raise BadVariable(name, "is not set; it is required when DEBUG is off")
    return value


def parsed(name: str, default: str | None, parse: Callable[[str], T], expected: str) -> T:
    """Return the variable as `parse` reads it. A ValueError becomes a BadVariable that says what was `expected`."""
    value = text(name, default)
    try:
        return parse(value)
    except ValueError:
        # A URL with an @ may contain a password.
        shown = "" if "@" in value or len(value) > _MAX_SHOWN else f"; it is {value!r}"
        raise BadVariable(name, f"must be {expected}{shown}") from None


def boolean(name: str, *, default: bool) -> bool:
    return parsed(name, "on" if default else "off", _parse_boolean, "on or off")


def _parse_boolean(value: str) -> bool:
    if value.lower() not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[value.lower()]


def integer(name: str, default: int, *, minimum: int = 0, maximum: int = _MAX_INTEGER) -> int:
    value = parsed(name, str(default), _parse_integer, "a whole number")
    if not minimum <= value <= maximum:
        bound = f"at least {minimum}" if value < minimum else f"at most {maximum}"
        raise BadVariable(name, f"must be {bound}; it is {value}")
    return value


def _parse_integer(value: str) -> int:
    """`int` also accepts `1_0` and digits of other scripts."""
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise ValueError
    return int(value)


def duration(name: str, default: str) -> timedelta:
    """Read a whole number with a unit: `30s`, `15m`, `12h` or `7d`."""
    return parsed(name, default, _parse_duration, "a duration such as 30s, 15m, 12h or 7d")


def _parse_duration(value: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", value)
    if match is None:
        raise ValueError
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if length > _MAX_DURATION:
        raise ValueError
    return length


def duration_or_zero(name: str, default: str) -> timedelta:
    """Read a duration, or `0` for a feature that is switched off."""
    return timedelta(0) if text(name, default) in {"0", "0s"} else duration(name, default)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in options:
        raise BadVariable(name, f"must be one of {', '.join(options)}; it is {value!r}")
    return value


def word(name: str, default: str) -> str:
    """Read a name without spaces and commas, such as an issuer or audience; at most 200 characters fit a token in a cookie."""
    value = text(name, default)
    if not re.fullmatch(r"[^\s,]{1,200}", value):
        raise BadVariable(name, "must be one name of at most 200 characters without spaces and commas")
    return value


def words(name: str, default: str | None = "") -> list[str]:
    """Read a comma-separated list; spaces around its items are dropped."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def _list_parser(parse: Callable[[str], T]) -> Callable[[str], list[T]]:
    return lambda value: [parse(part.strip()) for part in value.split(",") if part.strip()]


def networks(name: str) -> list[web_origins.Network]:
    """Read a list of CIDRs or single IP addresses."""
    expected = "a list of CIDRs or IP addresses, such as 10.0.0.0/8,192.0.2.7, with no bits set after the prefix"
    return parsed(name, "", _list_parser(web_origins.network), expected)


def origins(name: str) -> list[str]:
    """Read a list of web origins (scheme, host and port without a path), in the form that browsers send."""
    expected = "a list of origins without a path, such as https://app.example.com"
    return parsed(name, "", _list_parser(web_origins.origin), expected)


def hosts(name: str, default: str | None) -> list[str]:
    """Read a non-empty list of host names in the form of ALLOWED_HOSTS."""
    expected = "a list of hosts without scheme and path, such as auth.example.com or .example.com for all subdomains"
    if parsed_hosts := parsed(name, default, _list_parser(web_origins.allowed_host), expected):
        return parsed_hosts
    raise BadVariable(name, f"must be {expected}; it is empty")


def header_names(name: str) -> list[str]:
    """Read a list of header names in lower case. `*` is refused: with credentials it is no wildcard (Fetch standard)."""
    return parsed(
        name,
        "",
        _list_parser(web_origins.header_name),
        "a list of header names that scripts may send, such as x-tenant",
    )


def redirect_target(name: str, default: str) -> str:
    expected = "an https URL, or a path that starts with a single slash"
    return parsed(name, default, web_origins.redirect_target, expected)


def usernames(name: str, default: str) -> list[str]:
    names = [part.lower() for part in words(name, default)]
    bad = [part for part in names if not re.fullmatch(r"[a-z0-9_-]+", part)]
    if bad:
        raise BadVariable(name, f"must be a list of usernames (ASCII letters, digits, - and _); it contains {bad[0]!r}")
    return names


def cookie_domain(name: str, allowed_hosts: Collection[str]) -> str | None:
    """Read a domain for which browsers accept cookies from this service: a parent domain of an allowed host."""
    expected = "a domain that a host of ALLOWED_HOSTS belongs to, such as example.com, without port"
    return parsed(name, "", lambda value: web_origins.cookie_domain(value, allowed_hosts), expected)


def url(name: str, default: str | None) -> str:
    """Read an http or https URL, without a trailing slash."""
    expected = "an http or https URL without user, query or fragment, such as https://app.example.com"
    return parsed(name, default, lambda value: web_origins.web_url(value) if value else "", expected)


def site(name: str, default: str | None) -> str:
    """Read a URL without a path: the service serves its pages and its API from the root of a host."""
    value = url(name, default)
    if urlsplit(value).path:
        raise BadVariable(name, f"must have no path, such as https://auth.example.com; it is {value!r}")
    return value


def secret(name: str, *, debug: bool) -> str:
    """Read a signing secret. In development a random one is generated and stored, so that no two clones share it."""
    value = get_value(name)
    if value is None and debug:
        return development_secret(name)
    if value is None:
        raise BadVariable(
            name, "is not set; it is required when DEBUG is off. Generate one with: openssl rand -base64 48"
        )
    if not debug:
        refuse_weak(name, value)
    return value


def refuse_weak(name: str, value: str) -> None:
    problem = secret_weakness(value)
    if problem:
        raise BadVariable(name, problem)


def refuse_equal(first: tuple[str, str], *others: tuple[str, str]) -> None:
    """Raise BadVariable if two (name, secret) pairs share a value: the leak of one key must not reveal another."""
    for name, value in others:
        if value == first[1]:
            raise BadVariable(name, f"is the same as {first[0]}; generate a separate one with: openssl rand -base64 48")
