"""The language is negotiated by Accept-Language, and never one with q=0."""

import time

import pytest

from accounts.testing.api_client import ApiClient

ENGLISH = "Sign in first."


def _message(wishes: str) -> str:
    return str(ApiClient().get("/me", headers={"Accept-Language": wishes}).json()["message"])


@pytest.mark.parametrize(
    "wishes",
    ["fr;q=0", "fr; q=0.000", "fr;q=0, de", "de, fr ;q= 0", "fr;Q=0.0, *", "fr-CA;q=0", "*, fr;q=0", "en, fr;q=0.9"],
)
def test_languages_other_than_french_get_english(wishes: str) -> None:
    assert _message(wishes) == ENGLISH


@pytest.mark.parametrize("wishes", ["fr;q=0.001", "fr;q=0.5, en;q=0.1", "en;q=0, fr", "de;q=0,fr-CA", "fr"])
def test_variants_of_french_get_french(wishes: str) -> None:
    assert _message(wishes) != ENGLISH


@pytest.mark.parametrize("wishes", [";" * 10_000, ";q=0 " * 2_000, " ;q= 0" * 1_500, "fr;q=0," * 1_400, "0"])
def test_a_long_header_is_parsed_quickly(wishes: str) -> None:
    started = time.monotonic()

    assert _message(wishes) == ENGLISH
    assert time.monotonic() - started < 0.5
