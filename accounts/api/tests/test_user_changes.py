"""Changes of an account by an administrator, and their immediate effect."""

import base64
import json
from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage

from accounts.mail import outbox as queue
from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal_cache import invalidation

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"


def test_an_administrator_changes_names_username_and_language(admin: User, alice: User, sign_in: SignIn) -> None:
    changes = {"firstName": "Alice", "lastName": "Liddell", "language": "fr", "username": "Alice-2"}

    response = sign_in(admin).client.patch(f"/users/{alice.id}", changes)

    assert response.status_code == 200
    assert changes.items() <= response.json()["data"]["user"].items()
    alice.refresh_from_db()
    assert (alice.username, alice.username_key, alice.language) == ("Alice-2", "alice-2", "fr")


def test_a_promotion_and_a_demotion_take_effect_with_the_next_request(
    admin: User, alice: User, sign_in: SignIn
) -> None:
    client, alice_session = sign_in(admin).client, sign_in(alice)
    assert alice_session.client.get("/users").status_code == 403

    client.patch(f"/users/{alice.id}", {"role": "ADMIN"})
    promoted = alice_session.client.get("/users").status_code
    client.patch(f"/users/{alice.id}", {"role": "USER"})

    assert promoted == 200
    assert alice_session.client.get("/users").status_code == 403
    assert alice_session.client.get("/me").json()["data"]["user"]["role"] == "USER"


def test_after_a_demotion_the_next_access_token_has_the_new_role(
    api: ApiClient, admin: User, superuser: User, sign_in: SignIn
) -> None:
    admin_session = sign_in(admin)

    sign_in(superuser).client.patch(f"/users/{admin.id}", {"role": "USER"})

    assert admin_session.client.get("/users").json()["code"] == "permission_denied"
    fresh = api.post("/refresh", {"refreshToken": admin_session.refresh}).json()["data"]["token"]
    claims = fresh.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["role"] == "USER"
    assert api.bearing(fresh).get("/users").status_code == 403


def test_a_deactivation_ends_everything_immediately_and_a_reactivation_restores_no_session(
    api: ApiClient, admin: User, alice: User, sign_in: SignIn
) -> None:
    client, alice_session = sign_in(admin).client, sign_in(alice)
    assert alice_session.client.get("/me").status_code == 200

    assert client.patch(f"/users/{alice.id}", {"isActive": False}).json()["data"]["user"]["isActive"] is False

    assert alice_session.client.get("/me").json()["code"] == "session_revoked"
    assert api.post("/refresh", {"refreshToken": alice_session.refresh}).json()["code"] == "session_revoked"
    assert api.post("/login", {"username": "alice", "password": PASSWORD}).json()["code"] == "invalid_credentials"
    assert Session.objects.get(user=alice).revoked_reason == RevokedReason.ACCOUNT_DEACTIVATED
    client.patch(f"/users/{alice.id}", {"isActive": True})
    assert alice_session.client.get("/me").json()["code"] == "session_revoked"
    assert api.post("/login", {"username": "alice", "password": PASSWORD}).status_code == 200


def test_a_repeated_change_reaches_redis_if_the_first_request_died_after_its_commit(
    admin: User, alice: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, alice_session = sign_in(admin).client, sign_in(alice)
    for change, before, after in [({"role": "ADMIN"}, 403, 200), ({"isActive": False}, 200, 401)]:
        assert alice_session.client.get("/users").status_code == before
        with monkeypatch.context() as crash_after_commit:
            for name in ("mark_revoked", "replace_entries"):
                crash_after_commit.setattr(invalidation, name, lambda _sessions: None)
            client.patch(f"/users/{alice.id}", change)
        assert alice_session.client.get("/users").status_code == before

        assert client.patch(f"/users/{alice.id}", change).status_code == 200

        assert alice_session.client.get("/users").status_code == after


def test_a_password_set_by_an_administrator_ends_all_sessions_and_notifies_the_user(
    api: ApiClient, admin: User, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    alice_session, link = sign_in(alice), _reset_link(alice, outbox)

    assert sign_in(admin).client.patch(f"/users/{alice.id}", {"password": NEW}).status_code == 200

    assert alice_session.client.get("/me").json()["code"] == "session_revoked"
    assert api.post("/login", {"username": "alice", "password": PASSWORD}).status_code == 401
    assert (
        api.post("/reset-password", {"token": link, "newPassword": "Third-Horse-9"}).json()["code"] == "token_invalid"
    )
    notice = outbox()[-1]
    assert notice.to == ["alice@example.com"]
    assert "password" in str(notice.subject).lower()
    assert "IP address" not in str(notice.body)
    assert api.post("/login", {"username": "alice", "password": NEW}).status_code == 200


@pytest.mark.parametrize("password", ["short", "alllowercase1", "Alice@example.com1", None, 7])
def test_a_password_set_by_an_administrator_must_satisfy_the_rules(
    admin: User, alice: User, sign_in: SignIn, password: object
) -> None:
    response = sign_in(admin).client.patch(f"/users/{alice.id}", {"password": password, "firstName": "Changed"})

    assert response.json()["code"] == "validation_error"
    assert list(response.json()["errors"]) == ["password"]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert alice.first_name == ""


def test_a_new_email_invalidates_codes_for_the_previous_one_and_must_be_verified(
    api: ApiClient, admin: User, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    link = _reset_link(alice, outbox)

    response = sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "Alice@Example.org"})

    assert response.json()["data"]["user"]["emailVerified"] is False
    assert api.post("/reset-password", {"token": link, "newPassword": NEW}).json()["code"] == "token_invalid"
    assert not alice.verification_codes.filter(invalidated_at=None).exists()
    mailed = outbox()[-1]
    assert mailed.to == ["Alice@Example.org"]
    assert api.post("/verify-email", {"email": "alice@example.org", "code": code_in(mailed)}).status_code == 200


def test_a_new_email_can_be_set_as_verified(admin: User, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    changes = {"email": "alice@example.org", "emailVerified": True}

    response = sign_in(admin).client.patch(f"/users/{alice.id}", changes)

    assert response.json()["data"]["user"]["emailVerified"] is True
    assert [message.to for message in outbox()] == [
        ["alice@example.com"]
    ]  # the notice; a code for the new one is not needed


def test_another_spelling_of_the_same_email_stays_verified(admin: User, alice: User, sign_in: SignIn) -> None:
    response = sign_in(admin).client.patch(f"/users/{alice.id}", {"email": "ALICE@example.com"})

    assert response.json()["data"]["user"]["email"] == "ALICE@example.com"
    assert response.json()["data"]["user"]["emailVerified"] is True


def test_an_administrator_verifies_an_email_and_one_welcome_email_is_sent(
    admin: User, bob: User, sign_in: SignIn, outbox: Outbox
) -> None:
    client = sign_in(admin).client

    for _ in range(2):
        client.patch(f"/users/{bob.id}", {"emailVerified": True})

    assert [message.to for message in outbox()] == [["bob@example.com"]]
    assert OutboxEmail.objects.get(user=bob).kind == "welcome"
    assert sign_in(bob).data["user"]["emailVerified"] is True


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "ALICE@example.com"}, "email_taken"),
        ({"username": "ALICE"}, "username_taken"),
        ({"email": "alice@example.com", "username": "alice"}, "email_taken"),
    ],
)
def test_an_email_or_username_of_another_account_cannot_be_set(
    admin: User, bob: User, sign_in: SignIn, changes: dict[str, str], code: str
) -> None:
    response = sign_in(admin).client.patch(f"/users/{bob.id}", changes | {"firstName": "Changed"})

    assert response.status_code == 400
    assert (response.json()["code"], set(response.json()["errors"])) == (code, set(changes))
    bob.refresh_from_db()
    assert (bob.username, bob.email, bob.first_name) == ("bob", "bob@example.com", "")


@pytest.mark.parametrize("value", ["true", 1, None, "yes", [], {}])
@pytest.mark.parametrize("name", ["isActive", "emailVerified"])
def test_booleans_must_be_true_or_false(admin: User, alice: User, sign_in: SignIn, name: str, value: object) -> None:
    response = sign_in(admin).client.patch(f"/users/{alice.id}", {name: value})

    assert response.json()["code"] == "validation_error"
    assert list(response.json()["errors"]) == [name]


def _reset_link(user: User, outbox: Outbox) -> str:
    assert user.email
    queue.password_reset(email=user.email, language="en")
    return token_in(outbox()[-1])
