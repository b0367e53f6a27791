"""Django's admin keeps the promises of the API: what ends a session there, ends it here."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.forms.models import model_to_dict
from django.test import Client, TestCase

from accounts.models import AuditEvent, User
from conftest import PASSWORD, ApiClient, SignedIn, code_in, token_in

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
        if user.email_verified:
            form |= {"email_verified_at_0": "2026-01-01", "email_verified_at_1": "12:00:00"}
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


@pytest.mark.parametrize("action", ["change", "delete"])
def test_the_last_administrator_stays_where_the_form_was_asked_too_early(
    superuser: User, admin: User, post: Admin, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """carol is gone by the time that grace's own goodbye is saved."""
    for module in ("forms", "users"):
        monkeypatch.setattr(f"accounts.admin.{module}.is_last_admin", lambda _user: False)
    User.objects.filter(id=admin.id).update(is_active=False)

    changes = {"role": "USER", "is_staff": True, "is_superuser": True} if action == "change" else {"post": "yes"}

    assert post(superuser, action, **changes).status_code == 403
    assert User.objects.filter(role="ADMIN", is_active=True).count() == 1


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


def test_a_deactivation_keeps_its_reason_until_the_activation(alice: User, superuser: User, post: Admin) -> None:
    post(alice, "change", is_active=False, deactivation_reason="Left the company")
    alice.refresh_from_db()
    assert (alice.is_active, alice.deactivation_reason) == (False, "Left the company")
    assert User.objects.filter(id=alice.id).exclude(deactivated_at=None).exists()

    post(alice, "change", is_active=True, deactivation_reason="Left the company")

    assert User.objects.filter(id=alice.id, is_active=True, deactivation_reason="", deactivated_at=None).exists()
    events = AuditEvent.objects.filter(user_id=alice.id).order_by("id")
    assert [(event.kind, event.actor_id, event.facts) for event in events] == [
        ("user_deactivated", superuser.id, {"reason": "Left the company"}),
        ("user_reactivated", superuser.id, {}),
    ]


def test_what_is_done_here_is_in_the_audit_too(alice: User, superuser: User, post: Admin) -> None:
    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}

    post(alice, "change", role="ADMIN", first_name="Alicia")
    post(alice, "password", **form)
    post(alice, "delete", post="yes")

    events = AuditEvent.objects.filter(user_id=alice.id, actor_id=superuser.id).order_by("id")
    assert [(event.kind, event.facts) for event in events] == [
        ("role_changed", {"from": "USER", "to": "ADMIN"}),
        ("user_changed", {"fields": "firstName"}),
        ("user_changed", {"fields": "password"}),
        ("account_deleted", {}),
    ]


@pytest.fixture
def clerk(db: None) -> tuple[User, Client]:
    """trudy may edit users here, and is neither administrator nor superuser."""
    trudy = User.objects.create_user("trudy", "trudy@example.com", PASSWORD, is_staff=True)
    trudy.user_permissions.set(Permission.objects.filter(content_type__model="user"))
    browser = Client()
    browser.force_login(trudy)
    return trudy, browser


def test_who_may_edit_users_raises_nobody(clerk: tuple[User, Client], alice: User) -> None:
    trudy, browser = clerk
    rights = {
        "is_superuser": "on",
        "is_staff": "on",
        "role": "ADMIN",
        "groups": [],
        "is_active": "on",
        "language": "en",
    }

    for user in (trudy, alice):
        form = rights | {"username": user.username, "email": user.email, "first_name": "Changed"}
        assert browser.post(f"/admin/accounts/user/{user.id}/change/", form).status_code == 302

    assert User.objects.filter(first_name="Changed").count() == 2
    assert not User.objects.filter(is_superuser=True).exists()
    assert set(User.objects.values_list("role", flat=True)) == {"USER"}
    alice.refresh_from_db()
    assert not alice.is_staff


@pytest.mark.parametrize("above", ["superuser", "admin"])
def test_who_may_edit_users_does_not_touch_who_stands_above(
    request: pytest.FixtureRequest, clerk: tuple[User, Client], above: str
) -> None:
    user, browser = request.getfixturevalue(above), clerk[1]
    form = {"usable_password": "true", "password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    path = f"/admin/accounts/user/{user.id}"

    replies = [browser.post(f"{path}/{action}/", form | {"post": "yes"}) for action in ("change", "password", "delete")]

    assert [reply.status_code for reply in replies] == [403, 403, 403]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
