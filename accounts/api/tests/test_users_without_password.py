"""Users without a password: a recent proof replaces it, and the first password ends no less than a changed one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage

from accounts.models import EmailChange, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.authentication_context import age_authentication
from accounts.testing.second_factor import enrol

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]
NEW = "Another-Horse-8"


def _code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "ok")


@pytest.fixture
def alice_without_password(signed_in: SignedIn) -> SignedIn:
    User.objects.update(password="!no password")
    signed_in.user.refresh_from_db()
    return signed_in


def test_a_first_password_needs_a_recent_proof_and_ends_the_other_sessions(
    alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    first, second = sign_in(alice), sign_in(alice)
    User.objects.update(password="!no password")

    response = first.client.post("/change-password", {"newPassword": NEW})

    assert response.status_code == 200
    assert User.objects.get().check_password(NEW)
    assert first.client.get("/me").json()["data"]["user"]["hasPassword"] is True
    assert _code(second.client.get("/me")) == (401, "session_revoked")
    assert outbox()[-1].to == ["alice@example.com"]
    assert ApiClient().post("/login", {"username": "alice", "password": NEW}).status_code == 200


def test_an_old_session_sets_no_first_password(alice_without_password: SignedIn) -> None:
    age_authentication(alice_without_password)

    for body in ({"newPassword": NEW}, {"newPassword": NEW, "currentPassword": PASSWORD}):
        response = alice_without_password.client.post("/change-password", body)
        assert _code(response) == (401, "reauthentication_required")

    assert User.objects.get().password == "!no password"


def test_a_first_password_follows_the_rules(alice_without_password: SignedIn) -> None:
    response = alice_without_password.client.post("/change-password", {"newPassword": "Alice-example-1"})

    assert _code(response) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["newPassword"]


def test_a_password_that_is_sent_needlessly_is_ignored(alice_without_password: SignedIn) -> None:
    body = {"newEmail": "alice@example.org", "password": "Wrong-Horse-7"}

    assert alice_without_password.client.post("/change-email", body).status_code == 200
    assert EmailChange.objects.get().new_email == "alice@example.org"


def test_the_account_is_deleted_by_a_recent_proof(alice_without_password: SignedIn) -> None:
    age_authentication(alice_without_password)
    assert _code(alice_without_password.client.delete("/me")) == (401, "reauthentication_required")
    age_authentication(alice_without_password, by=timedelta(0))

    assert alice_without_password.client.delete("/me").status_code == 200
    assert not User.objects.exists()


def test_the_second_factor_is_removed_by_a_recent_proof(alice_without_password: SignedIn) -> None:
    enrol(alice_without_password)

    assert alice_without_password.client.post("/mfa/recovery-codes").status_code == 200
    assert alice_without_password.client.delete("/mfa/totp").status_code == 200
    assert User.objects.get().mfa_enabled is False


def test_an_administrator_without_a_password_changes_the_own_email_by_a_recent_proof(
    admin: User, sign_in: SignIn
) -> None:
    carol = sign_in(admin)
    User.objects.update(password="!no password")
    change = {"email": "carol@example.org"}
    age_authentication(carol)
    assert _code(carol.client.patch(f"/users/{admin.id}", change)) == (401, "reauthentication_required")
    age_authentication(carol, by=timedelta(0))

    assert carol.client.patch(f"/users/{admin.id}", change).status_code == 200
    assert User.objects.get().email == "carol@example.org"
