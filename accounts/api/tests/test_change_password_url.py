"""Where password managers are led that look for the page to change a password (W3C: A Well-Known URL for Changing Passwords)."""

import os
import subprocess
import sys

import pytest
from django.test import Client
from pytest_django import Settings

from core.paths import BASE_DIR

PATHS = ["/.well-known/change-password", "/.well-known/change-password/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("target", ["/", "https://app.example.com/settings/password"])
def test_it_leads_to_the_page_of_the_setting_and_nowhere_else(
    client: Client, settings: Settings, path: str, target: str
) -> None:
    settings.CHANGE_PASSWORD_URL = target

    for reply in (client.get(path), client.head(path), client.get(f"{path}?next=https://evil.example")):
        assert (reply.status_code, reply["Location"]) == (302, target)
        assert reply["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_it_can_only_be_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_a_page_that_does_not_exist_is_not_found(client: Client) -> None:
    """Browsers make sure of that first: a server that says 200 to everything has no such page."""
    path = "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"

    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHANGE_PASSWORD_URL", "//evil.example"),
        ("CHANGE_PASSWORD_URL", "http://a.example"),
        ("CORS_ALLOWED_HEADERS", "*"),
    ],
)
def test_a_value_that_cannot_work_stops_the_start_by_its_name(name: str, value: str) -> None:
    found = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=BASE_DIR, env=os.environ | {name: value, "DEBUG": "on"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert found.returncode != 0
    assert f"{name} must be" in found.stderr


def test_the_variables_reach_the_settings() -> None:
    program = "from django.conf import settings as s; print('x-tenant' in s.CORS_ALLOW_HEADERS, s.CHANGE_PASSWORD_URL)"
    given = {"CORS_ALLOWED_HEADERS": "X-Tenant", "CHANGE_PASSWORD_URL": "/account", "DEBUG": "on"}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=BASE_DIR,
        env=os.environ | given | {"DJANGO_SETTINGS_MODULE": "config.settings.base"}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert found.stdout.strip() == "True /account"
