"""No URL of this service is an open redirect."""

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from accounts.models import User
from accounts.testing.api_client import PASSWORD

TARGETS = ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https:evil.example"]
NAMES = ("next", "redirect", "redirect_uri", "returnTo", "callbackUrl", "url", "continue")


@pytest.mark.django_db
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("path", ["/", "/verify-email", "/reset-password", "/api/auth/verify-email", "/api/auth/me"])
def test_a_page_does_not_redirect_to_a_parameter(client: Client, path: str, target: str) -> None:
    response = client.get(path, dict.fromkeys(NAMES, target), headers={"Accept": "text/html"})

    assert "Location" not in response.headers
    assert "evil.example" not in response.content.decode()


@pytest.mark.parametrize("target", TARGETS)
def test_a_login_does_not_redirect(client: Client, alice: User, target: str) -> None:
    body = dict.fromkeys(NAMES, target) | {"username": "alice", "password": PASSWORD}

    response = client.post(f"/api/auth/login?next={target}", body, "application/json")

    assert response.status_code == 200
    assert "Location" not in response.headers


@pytest.mark.parametrize("target", TARGETS)
def test_the_admin_login_redirects_only_to_the_admin(client: Client, superuser: User, target: str) -> None:
    response = client.post(f"/admin/login/?next={target}", {"username": "grace", "password": PASSWORD, "next": target})

    assert (response.status_code, response["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("script", ["verify-email.js", "reset-password.js"])
def test_no_page_script_redirects_to_a_parameter(script: str) -> None:
    path = finders.find(f"vestibule/{script}")
    assert isinstance(path, str)
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the finder returns a str
        text = file.read()

    assert not any(f'"{name}"' in text for name in NAMES)
    assert "innerHTML" not in text
