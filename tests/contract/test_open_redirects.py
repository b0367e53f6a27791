"""No address of this service sends a browser to where a link says."""

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.models import User
from accounts.testing.api_client import PASSWORD

AWAY = ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https:evil.example"]
NAMES = ("next", "redirect", "redirect_uri", "returnTo", "callbackUrl", "url", "continue")


@pytest.mark.django_db
@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("path", ["/", "/verify-email", "/reset-password", "/api/auth/verify-email", "/api/auth/me"])
def test_a_page_does_not_redirect_to_a_parameter(client: Client, path: str, away: str) -> None:
    reply = client.get(path, dict.fromkeys(NAMES, away), headers={"Accept": "text/html"})

    assert "Location" not in reply.headers
    assert "evil.example" not in reply.content.decode()


@pytest.mark.parametrize("away", AWAY)
def test_a_login_does_not_redirect(client: Client, alice: User, away: str) -> None:
    body = dict.fromkeys(NAMES, away) | {"username": "alice", "password": PASSWORD}

    reply = client.post(f"/api/auth/login?next={away}", body, "application/json")

    assert reply.status_code == 200
    assert "Location" not in reply.headers


@pytest.mark.parametrize("away", AWAY)
def test_the_admin_login_redirects_only_to_the_admin(client: Client, superuser: User, away: str) -> None:
    reply = client.post(f"/admin/login/?next={away}", {"username": "grace", "password": PASSWORD, "next": away})

    assert (reply.status_code, reply["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("script", ["verify-email.js", "reset-password.js"])
def test_no_page_script_redirects_to_a_parameter(script: str) -> None:
    found = finders.find(f"vestibule/{script}")
    assert isinstance(found, str)
    with open(found, encoding="utf-8") as file:  # noqa: PTH123 - a path of the finder's
        text = file.read()

    assert not any(f'"{name}"' in text for name in NAMES)
    assert "innerHTML" not in text
