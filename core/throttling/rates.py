"""A limit as a setting says it: `30/m`, `5/5m`, or several at once, `1/m,5/h`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

A_RATE = "a rate such as 30/m or 5/5m, or off"
RATES = "a rate such as 30/m or 5/5m, several such as 1/m,5/h, or off"
_RATE = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,3})?([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` within any `seconds`; `name` is what the headers call it."""

    name: str
    amount: int
    seconds: int


Limits = tuple[Limit, ...]


def limits_called(name: str) -> Callable[[str], Limits]:
    """Reads the text of a setting; its limits hold all at once, and none does with `off`. It raises ValueError."""
    return lambda text: () if text.strip().lower() == "off" else _parse(name, text)


def one_limit_called(name: str) -> Callable[[str], Limit | None]:
    """As `limits_called`, for a setting that holds one rate, or `off`, which is None."""

    def read(text: str) -> Limit | None:
        found = limits_called(name)(text)
        if len(found) > 1:
            raise ValueError(text)
        return found[0] if found else None

    return read


def _parse(name: str, text: str) -> Limits:
    rates = [_RATE.fullmatch(part.strip()) for part in text.split(",")]
    found = [(int(rate[1]), int(rate[2] or 1) * _SECONDS[rate[3]]) for rate in rates if rate]
    if len(found) < len(rates):
        raise ValueError(text)
    if len({seconds for _amount, seconds in found}) < len(found):  # two of one period would share a counter
        raise ValueError(text)
    is_one = len(found) == 1
    return tuple(Limit(name if is_one else f"{name}-{seconds}", amount, seconds) for amount, seconds in found)
