"""Django's admin keeps the promises of the API: what ends a session there, ends it here."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.forms.models import model_to_dict
from django.test import Client, TestCase

from accounts.models import User
from conftest import ApiClient, SignedIn, code_in, token_in

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


@pytest.mark.parametrize(
    "changes",
    [{"email": "MALLORY@example.com"}, {"username": "Mallory"}, {"username": "sp ace!"}, {"email": "a@localhost"}],
)
def test_what_the_api_refuses_is_an_error_of_the_form(
    alice: User, mallory: User, post: Admin, changes: dict[str, str]
) -> None:
    reply = post(alice, "change", **changes)

    assert reply.status_code == 200
    assert reply.context["adminform"].form.errors.keys() == changes.keys()
    alice.refresh_from_db()
    assert (alice.email, alice.username) == ("alice@example.com", "alice")


@pytest.mark.parametrize("changes", [{"role": "USER"}, {"is_active": False}])
def test_the_last_administrator_stays_one(superuser: User, post: Admin, changes: dict[str, Any]) -> None:
    reply = post(superuser, "change", is_staff=True, is_superuser=True, **changes)

    assert reply.status_code == 200
    assert User.objects.filter(role="ADMIN", is_active=True).count() == 1


def test_the_last_administrator_is_not_deleted(superuser: User, post: Admin) -> None:
    assert post(superuser, "delete", post="yes").status_code == 403

    assert User.objects.filter(id=superuser.id).exists()


def test_a_link_dies_with_the_address_that_it_went_to(
    api: ApiClient, alice: User, post: Admin, outbox: Callable[[], list[EmailMessage]]
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    token = token_in(outbox()[0])

    assert post(alice, "change", email="alice@example.org").status_code == 302

    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 400


def test_a_user_made_here_is_mailed_the_way_in(superuser: User, outbox: Callable[[], list[EmailMessage]]) -> None:
    browser = Client()
    browser.force_login(superuser)
    password = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    with TestCase.captureOnCommitCallbacks(execute=True):
        browser.post("/admin/accounts/user/add/", {"username": "eve", "email": "eve@example.com"} | password)

    assert [message.to for message in outbox()] == [["eve@example.com"]]
    assert code_in(outbox()[0])
