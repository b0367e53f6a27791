"""The deployment checks of the accounts' settings."""

from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from core.testing import valid_settings

BAD: list[tuple[str, dict[str, Any]]] = [
    ("vestibule.W001", {"PREVENT_ENUMERATION": False}),
    ("vestibule.W002", {"AUTH_PASSWORD_VALIDATORS": [{"NAME": "accounts.passwords.validators.CompositionValidator"}]}),
    ("vestibule.W003", {"RATE_LIMITS": False}),
    ("vestibule.W004", {"BCRYPT_ROUNDS": 9}),
]


@pytest.mark.parametrize(("name", "bad"), BAD)
def test_an_unsafe_setting_raises_its_warning_with_a_hint(settings: Settings, name: str, bad: dict[str, Any]) -> None:
    valid_settings.configure(settings, **bad)

    messages = [
        message for message in run_checks(include_deployment_checks=True) if str(message.id).startswith("vestibule.")
    ]

    assert [message.id for message in messages] == [name]
    assert messages[0].hint
    assert not messages[0].is_serious()


def test_unsafe_settings_raise_no_warnings_in_development(settings: Settings) -> None:
    bad = {setting: value for _, change in BAD for setting, value in change.items()}
    valid_settings.configure(settings, **bad | {"DEBUG": True, "ALLOWED_HOSTS": ["localhost"]})

    assert not [
        message for message in run_checks(include_deployment_checks=True) if str(message.id).startswith("vestibule.")
    ]
