"""`manage.py check --deploy` reports settings with which browsers refuse passkeys."""

from collections.abc import Sequence

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from core.testing import valid_settings

APP, ANDROID = "https://app.example.com", f"android:apk-key-hash:{'a' * 43}"


def _ids(settings: Settings, rp_id: str, origins: Sequence[str]) -> list[str]:
    valid_settings.configure(settings, WEBAUTHN_RP_ID=rp_id, WEBAUTHN_ORIGINS=list(origins))
    messages = run_checks(include_deployment_checks=True)
    return [str(message.id) for message in messages if str(message.id).startswith("vestibule.")]


@pytest.mark.parametrize("rp_id", ["app.example.com", "example.com"])
def test_a_domain_of_all_sites_is_no_problem(settings: Settings, rp_id: str) -> None:
    assert _ids(settings, rp_id, [APP, f"{APP}:8443", ANDROID]) == []


@pytest.mark.parametrize("rp_id", ["localhost", "192.0.2.7", "[2001:db8::1]", "web"])
def test_an_rp_id_that_browsers_refuse_is_reported(settings: Settings, rp_id: str) -> None:
    assert _ids(settings, rp_id, []) == ["vestibule.W011"]


@pytest.mark.parametrize("origin", ["https://shop.example.net", "https://evilapp.example.com", "https://example.com"])
def test_a_site_outside_the_domain_is_reported(settings: Settings, origin: str) -> None:
    assert _ids(settings, "app.example.com", [APP, origin]) == ["vestibule.W012"]
