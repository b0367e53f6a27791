"""Browsers that are signed in to Django's admin, and what they see."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client
from time_machine import Traveller

from accounts.models import User
from accounts.testing.api_client import PASSWORD


def admin_browser(user: User) -> Client:
    """Sign in with the password, as a user without a second factor."""
    browser = Client()
    response = browser.post("/admin/login/", {"username": user.username, "password": PASSWORD})
    assert response.status_code == 302, response.content
    return browser


def let_proof_expire(clock: Traveller) -> None:
    clock.shift(settings.REAUTHENTICATION_MAX_AGE + timedelta(seconds=1))


def is_asked(response: Any) -> bool:
    """Return whether the response is the page "Confirm that it's you"."""
    return "admin/confirm_identity.html" in {template.name for template in response.templates}


def carried_fields(response: Any) -> dict[str, Any]:
    """Return the hidden fields of the page "Confirm that it's you", as a browser would send them."""
    fields: dict[str, Any] = {}
    for name, value in response.context["carried"]:
        fields.setdefault(name, []).append(value)
    name, value = response.context["method_field"]
    return fields | {name: value}
