"""`manage.py check --deploy` reports each bad setting by its ID, and nothing for a valid deployment."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from core.testing import valid_settings
from core.testing.valid_settings import VALID

BAD: list[tuple[str, dict[str, Any]]] = [
    ("vestibule.E001", {"SECRET_KEY": "too-short-8f7s6d5f"}),
    ("vestibule.E001", {"SECRET_KEY": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}),
    ("vestibule.E001", {"SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789"}),
    ("vestibule.E001", {"JWT_SECRET_KEY": "your_secret_key_here_8f7s6d5f4g3h2j1k"}),
    ("vestibule.E001", {"JWT_SECRET_KEY": "changeme-q8Zr1vJ0xW5tLk3nB7mYc2dF6hG4sP"}),
    ("vestibule.E001", {"JWT_REFRESH_SECRET": "your_refresh_secret_here_9d8f7g6h5j4k"}),
    ("vestibule.E001", {"JWT_REFRESH_SECRET": "q8Zr1vJ0xW5t" * 4}),
    ("vestibule.E001", {"MFA_ENCRYPTION_KEYS": [*VALID["MFA_ENCRYPTION_KEYS"], "short"]}),
    ("vestibule.E002", {"JWT_SECRET_KEY": VALID["SECRET_KEY"]}),
    ("vestibule.E002", {"JWT_REFRESH_SECRET": VALID["SECRET_KEY"]}),
    ("vestibule.E003", {"ALLOWED_HOSTS": ["auth.example.com", "*"]}),
    ("vestibule.E004", {"CORS_ALLOW_ALL_ORIGINS": True}),
    ("vestibule.E004", {"CORS_ALLOWED_ORIGIN_REGEXES": [".*"]}),
    ("vestibule.E005", {"DEBUG": True}),
    ("vestibule.W005", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
    ("vestibule.W005", {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}),
    ("vestibule.W006", {"EMAIL_USE_TLS": False}),
    ("vestibule.W007", {"FRONTEND_URL": "http://app.example.com"}),
    ("vestibule.W007", {"PUBLIC_URL": "http://auth.example.com"}),
    ("vestibule.W008", {"TRUSTED_PROXIES": []}),
]


def _messages() -> dict[str, CheckMessage]:
    return {str(message.id): message for message in run_checks(include_deployment_checks=True)}


def test_a_valid_deployment_passes_without_messages(settings: Settings) -> None:
    valid_settings.configure(settings)

    assert {message.id: message.msg for message in _messages().values() if not message.is_silenced()} == {}


@pytest.mark.parametrize(
    ("name", "bad"), BAD, ids=lambda value: next(iter(value)) if isinstance(value, dict) else value
)
def test_a_bad_setting_is_reported_with_a_hint(settings: Settings, name: str, bad: dict[str, Any]) -> None:
    valid_settings.configure(settings, **bad)

    messages = {message.id: message for message in _messages().values() if str(message.id).startswith("vestibule.")}

    assert list(messages) == [name]
    assert messages[name].hint
    assert messages[name].is_serious() is name.startswith("vestibule.E")


@pytest.mark.parametrize("secret", ["JWT_SECRET_KEY", "SECRET_KEY"])
def test_no_secret_is_shown(settings: Settings, secret: str) -> None:
    valid_settings.configure(settings, **{secret: "your-own-hunter2-hunter2-hunter2-hunter2"})

    message = _messages()["vestibule.E001"]

    assert message.msg.startswith(f"{secret} ")
    assert "hunter2" not in f"{message.msg} {message.hint}"


@pytest.mark.parametrize("bad", [bad for name, bad in BAD if name != "vestibule.E005"], ids=lambda bad: next(iter(bad)))
def test_development_may_have_such_settings(settings: Settings, bad: dict[str, Any]) -> None:
    valid_settings.configure(settings, **bad | {"DEBUG": True, "ALLOWED_HOSTS": ["localhost"]})

    assert not [name for name in _messages() if name.startswith("vestibule.")]


def test_a_public_api_without_cookies_passes(settings: Settings) -> None:
    valid_settings.configure(settings, CORS_ALLOW_ALL_ORIGINS=True, CORS_ALLOW_CREDENTIALS=False)

    assert "vestibule.E004" not in _messages()
