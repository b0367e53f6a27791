"""The account of the caller: read, change, export and delete."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, OutboxEmail, User, VerificationCode
from accounts.services.login import verify_token
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.authentication_context import age_authentication
from accounts.testing.emails import token_in
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

PROFILE = {
    "id", "email", "username", "firstName", "lastName", "role", "language", "emailVerified", "mfaEnabled", "createdAt",
    "updatedAt", "lastLoginAt", "kind", "hasPassword", "loginCodes", "recoveryCodesLeft",
}  # fmt: skip


def _row() -> dict[str, Any]:
    return dict(User.objects.values().get(username_key="alice"))


@pytest.mark.parametrize("path", ["/me", "/profile", "/me/"])
def test_me_shows_the_account_and_its_active_sessions(
    signed_in: SignedIn, alice: User, mallory: User, sign_in: SignIn, path: str
) -> None:
    other = sign_in(alice)
    sign_in(alice).client.post("/logout")
    sign_in(mallory)

    user = signed_in.client.get(path).json()["data"]["user"]

    assert set(user) == PROFILE | {"sessions"}
    assert (user["id"], user["email"], user["role"], user["mfaEnabled"]) == (str(alice.id), alice.email, "USER", False)
    assert {row["id"]: row["current"] for row in user["sessions"]} == {
        signed_in.session_id: True,
        other.session_id: False,
    }


def test_times_are_utc_with_milliseconds(signed_in: SignedIn) -> None:
    user = signed_in.client.get("/me").json()["data"]["user"]

    assert user["createdAt"] == User.objects.get().created_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    assert all(user[name].endswith("Z") and len(user[name]) == 24 for name in ("updatedAt", "lastLoginAt"))


def test_no_response_about_an_account_contains_its_password(signed_in: SignedIn) -> None:
    stored = User.objects.get().password

    for path in ("/me", "/me/export", "/sessions"):
        text = signed_in.client.get(path).content.decode()
        assert PASSWORD not in text
        assert stored not in text
        assert "bcrypt" not in text


@pytest.mark.parametrize("path", ["/me", "/profile"])
def test_patch_changes_only_the_given_fields(signed_in: SignedIn, path: str) -> None:
    before = _row()

    response = signed_in.client.patch(path, {"firstName": "Alicia", "language": "fr"})

    assert response.status_code == 200
    assert set(response.json()["data"]["user"]) == PROFILE
    after = _row()
    assert (after.pop("first_name"), after.pop("language")) == ("Alicia", "fr")
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after.items() <= before.items()


def test_fields_that_owners_may_not_set_are_ignored(signed_in: SignedIn) -> None:
    before = _row()

    response = signed_in.client.patch(
        "/me",
        {
            "id": "00000000-0000-7000-8000-000000000000", "role": "ADMIN", "isStaff": True, "is_staff": True, "isSuperuser": True,
            "isActive": False, "email": "new@example.com", "emailVerified": False, "password": "Another-Horse-8", "sessions": [],
            "createdAt": "2001-01-01T00:00:00Z", "mfaEnabled": True, "email_key": "x", "username_key": "x",
        },
    )  # fmt: skip

    assert response.status_code == 200
    assert {**_row(), "updated_at": None} == {**before, "updated_at": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("firstName", "A"), ("firstName", ""), ("firstName", None), ("firstName", 7), ("lastName", "x" * 151),
        ("lastName", "Lid\ndell"), ("username", "al"), ("username", "root"), ("username", "a b c"), ("username", None),
        ("language", "tlh"), ("language", None), ("language", ["en"]),
    ],
)  # fmt: skip
def test_an_invalid_value_changes_nothing(signed_in: SignedIn, field: str, value: object) -> None:
    before = _row()

    response = signed_in.client.patch("/me", {"firstName": "Alicia", field: value})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == [field]
    assert _row() == before


def test_the_username_of_another_account_is_rejected(signed_in: SignedIn, bob: User) -> None:
    response = signed_in.client.patch("/me", {"username": "BOB", "firstName": "Alicia"})

    assert (response.status_code, response.json()["code"]) == (400, "username_taken")
    assert list(response.json()["errors"]) == ["username"]
    assert _row()["first_name"] == ""


def test_the_own_username_may_change_its_case(signed_in: SignedIn) -> None:
    assert signed_in.client.patch("/me", {"username": "Alice"}).status_code == 200
    assert User.objects.get().username == "Alice"


def test_a_new_username_takes_effect_with_the_next_request_of_every_session(
    signed_in: SignedIn, alice: User, sign_in: SignIn
) -> None:
    other = sign_in(alice)
    other.client.get("/me")

    signed_in.client.patch("/me", {"username": "alicia"})

    assert verify_token(other.access).username == verify_token(signed_in.access).username == "alicia"
    assert ApiClient().post("/login", {"username": "Alicia", "password": PASSWORD}).status_code == 200
    assert ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).status_code == 401


def test_an_empty_patch_succeeds(signed_in: SignedIn) -> None:
    assert signed_in.client.patch("/me", {}).status_code == 200


def test_delete_removes_the_account_and_everything_that_belongs_to_it(
    signed_in: SignedIn, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    other = sign_in(alice)
    ApiClient().post("/forgot-password", {"email": "alice@example.com"})
    outbox()

    response = signed_in.client.delete("/me", {"password": PASSWORD})

    assert (response.status_code, response.json()["success"]) == (200, True)
    assert {name: morsel.value for name, morsel in response.cookies.items()} == {"jwt": "", "refreshToken": ""}
    assert not any(model.objects.exists() for model in (User, Session, VerificationCode))
    for session in (signed_in, other):
        assert session.client.get("/me").json()["code"] == "session_revoked"
        assert ApiClient().post("/refresh", {"refreshToken": session.refresh}).json()["code"] == "session_revoked"
    assert ApiClient().post("/login", {"username": "alice", "password": PASSWORD}).status_code == 401


def test_the_owner_of_a_deleted_account_is_notified(signed_in: SignedIn, outbox: Outbox) -> None:
    signed_in.client.delete("/me", {"password": PASSWORD})

    [message] = outbox()
    assert message.to == ["alice@example.com"]
    assert "alice" in str(message.body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"password": "Wrong-Horse-7"}, "password_incorrect"), ({}, "validation_error"), ({"password": ""}, "validation_error"),
        ({"password": None}, "validation_error"), ({"password": ["x"]}, "validation_error"),
    ],
)  # fmt: skip
def test_nothing_is_deleted_without_the_correct_password(signed_in: SignedIn, body: dict[str, Any], code: str) -> None:
    response = signed_in.client.delete("/me", body)

    assert (response.status_code, response.json()["code"]) == (400, code)
    assert list(response.json()["errors"]) == ["password"]
    assert not response.cookies
    assert signed_in.client.get("/me").status_code == 200
    assert not OutboxEmail.objects.filter(kind="account_deleted").exists()


def test_the_username_and_email_of_a_deleted_account_can_be_registered_again(signed_in: SignedIn) -> None:
    signed_in.client.delete("/me", {"password": PASSWORD})

    body = {"email": "alice@example.com", "username": "alice", "password": PASSWORD}
    assert ApiClient().post("/register", body).status_code == 201
    assert signed_in.client.get("/me").status_code == 401


def test_an_export_contains_all_data_of_the_account_and_none_of_others(
    signed_in: SignedIn, alice: User, mallory: User, sign_in: SignIn
) -> None:
    ended = sign_in(alice)
    ended.client.post("/logout")
    sign_in(mallory)
    signed_in.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": "Another-Horse-8"})

    response = signed_in.client.get("/me/export")

    data = response.json()["data"]
    assert data["user"]["email"] == "alice@example.com"
    assert {row["id"] for row in data["sessions"]} == {signed_in.session_id, ended.session_id}
    assert [row["revokedReason"] for row in data["sessions"] if row["id"] == ended.session_id] == ["logout"]
    assert [row["kind"] for row in data["emails"]] == ["password_changed"]
    assert "mallory" not in response.content.decode()


def test_an_export_contains_no_reset_token_and_no_session_token(
    signed_in: SignedIn, alice: User, outbox: Outbox
) -> None:
    ApiClient().post("/forgot-password", {"email": "alice@example.com"})
    token = token_in(outbox()[-1])

    text = signed_in.client.get("/me/export").content.decode()

    assert token not in text
    assert str(Session.objects.get().refresh_jti) not in text
    assert signed_in.refresh not in text


def test_me_says_how_the_user_can_sign_in(signed_in: SignedIn) -> None:
    fields = ("kind", "hasPassword", "mfaEnabled", "recoveryCodesLeft", "loginCodes")

    def read() -> tuple[Any, ...]:
        user = signed_in.client.get("/me").json()["data"]["user"]
        return tuple(user[name] for name in fields)

    before = read()
    User.objects.update(password="!no password", mfa_enabled=True, recovery_codes_left=7, login_codes=False)

    assert before == ("user", True, False, 0, True)
    assert read() == ("user", False, True, 7, False)


def test_me_does_not_read_the_hash_of_the_password(signed_in: SignedIn) -> None:
    with CaptureQueriesContext(connection) as statements:
        signed_in.client.get("/profile")

    columns = [query["sql"].partition(" FROM ")[0] for query in statements]
    hashes, tests = '"password"', 'NOT ("accounts_user"."password"'
    assert [sql.count(hashes) for sql in columns] == [sql.count(tests) for sql in columns] == [0, 1]


@pytest.mark.parametrize("value", [True, False])
def test_emailed_codes_can_be_turned_off_and_on(signed_in: SignedIn, value: bool) -> None:
    User.objects.update(login_codes=not value)

    response = signed_in.client.patch("/me", {"loginCodes": value})

    assert response.json()["data"]["user"]["loginCodes"] is value
    assert User.objects.get().login_codes is value
    assert AuditEvent.objects.get(kind="profile_changed").facts == {"fields": "loginCodes", "loginCodes": value}


def test_emailed_codes_are_not_turned_off_without_a_recent_proof(signed_in: SignedIn) -> None:
    age_authentication(signed_in)

    response = signed_in.client.patch("/me", {"loginCodes": False, "firstName": "Alicia"})

    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    assert (User.objects.get().login_codes, User.objects.get().first_name) == (True, "")
    assert signed_in.client.patch("/me", {"firstName": "Alicia"}).status_code == 200


def test_an_administrator_sees_but_does_not_change_how_a_user_signs_in(
    alice: User, admin: User, sign_in: SignIn
) -> None:
    response = sign_in(admin).client.patch(f"/users/{alice.id}", {"loginCodes": False, "hasPassword": False})

    user = response.json()["data"]["user"]
    assert (user["loginCodes"], user["hasPassword"], user["kind"]) == (True, True, "user")
    assert User.objects.get(id=alice.id).login_codes is True
