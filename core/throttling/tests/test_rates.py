"""The syntax of rate limit settings."""

import pytest

from core.throttling.rates import Limit, rate_parser, single_rate_parser

_read = rate_parser("mail")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30/m", (Limit("mail", 30, 60),)),
        (" 5/5m ", (Limit("mail", 5, 300),)),
        ("1/s", (Limit("mail", 1, 1),)),
        ("1/m,5/h", (Limit("mail-60", 1, 60), Limit("mail-3600", 5, 3600))),
        ("1/m, 20/1d", (Limit("mail-60", 1, 60), Limit("mail-86400", 20, 86_400))),
        ("off", ()),
    ],
)
def test_a_rate_is_an_amount_and_a_period(text: str, expected: tuple[Limit, ...]) -> None:
    assert _read(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "30", "30/", "/m", "0/m", "-1/m", "1.5/m", "30/0m", "30 / m", "30/w", "30/m,", "30/m;5/h", "1000000/m", "on"],
)
def test_an_invalid_rate_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"^"):
        _read(text)


def test_a_single_rate_setting_rejects_two() -> None:
    read = single_rate_parser("wrong")

    assert read("5/5m") == Limit("wrong", 5, 300)
    assert read("off") is None
    with pytest.raises(ValueError, match=r"^1/m,5/h$"):
        read("1/m,5/h")
