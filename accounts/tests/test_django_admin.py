"""Django's admin keeps the promises of the API: what ends a session there, ends it here."""

from collections.abc import Callable
from typing import Any

import pytest
from django.forms.models import model_to_dict
from django.test import Client, TestCase

from accounts.models import User
from conftest import SignedIn

Admin = Callable[..., Any]


@pytest.fixture
def post(superuser: User) -> Admin:
    """`post(alice, "change", is_active=False)` sends the admin's form about a user, as grace."""
    browser = Client()
    browser.force_login(superuser)

    def send(user: User, action: str, **changes: Any) -> Any:
        fields = ("username", "email", "first_name", "last_name", "language", "role", "is_active")
        form = {
            name: value for name, value in (model_to_dict(user, fields) | changes).items() if value not in (None, False)
        }
        with TestCase.captureOnCommitCallbacks(execute=True):
            return browser.post(f"/admin/accounts/user/{user.id}/{action}/", form)

    return send


def test_a_deactivation_ends_the_sessions_at_once(alice: User, sign_in: Callable[..., SignedIn], post: Admin) -> None:
    session = sign_in(alice)
    assert session.client.get("/me").status_code == 200

    assert post(alice, "change", is_active=False).status_code == 302

    assert session.client.get("/me").json()["code"] == "session_revoked"


def test_a_new_password_ends_the_sessions_at_once(alice: User, sign_in: Callable[..., SignedIn], post: Admin) -> None:
    session = sign_in(alice)
    session.client.get("/me")

    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    assert post(alice, "password", **form).status_code == 302

    assert session.client.get("/me").json()["code"] == "session_revoked"


def test_a_change_of_role_takes_hold_with_the_next_request(
    alice: User, sign_in: Callable[..., SignedIn], post: Admin
) -> None:
    session = sign_in(alice)
    assert session.client.get("/users").status_code == 403

    assert post(alice, "change", role="ADMIN").status_code == 302

    assert session.client.get("/users").status_code == 200


def test_a_deletion_ends_the_sessions_at_once(alice: User, sign_in: Callable[..., SignedIn], post: Admin) -> None:
    session = sign_in(alice)
    session.client.get("/me")

    assert post(alice, "delete", post="yes").status_code == 302

    assert session.client.get("/me").json()["code"] == "session_revoked"
