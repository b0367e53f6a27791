"""Parses the rate limits of settings: `30/m`, `5/5m`, or several at once, `1/m,5/h`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

SINGLE_RATE_HELP = "a rate such as 30/m or 5/5m, or off"
RATE_HELP = "a rate such as 30/m or 5/5m, several such as 1/m,5/h, or off"
_RATE = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,3})?([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` within any `seconds`; the response headers have `name`."""

    name: str
    amount: int
    seconds: int


Limits = tuple[Limit, ...]


def rate_parser(name: str) -> Callable[[str], Limits]:
    """Return a parser for limits that all apply at once; none does for `off`. The parser raises ValueError."""
    return lambda text: () if text.strip().lower() == "off" else _parse(name, text)


def single_rate_parser(name: str) -> Callable[[str], Limit | None]:
    """Return a parser for one rate, or None for `off`. The parser raises ValueError."""

    def parse(text: str) -> Limit | None:
        limits = rate_parser(name)(text)
        if len(limits) > 1:
            raise ValueError(text)
        return limits[0] if limits else None

    return parse


def _parse(name: str, text: str) -> Limits:
    matches = [_RATE.fullmatch(part.strip()) for part in text.split(",")]
    rates = [(int(match[1]), int(match[2] or 1) * _SECONDS[match[3]]) for match in matches if match]
    if len(rates) < len(matches):
        raise ValueError(text)
    if len({seconds for _amount, seconds in rates}) < len(rates):  # two of the same period would share a counter
        raise ValueError(text)
    is_single = len(rates) == 1
    return tuple(Limit(name if is_single else f"{name}-{seconds}", amount, seconds) for amount, seconds in rates)
