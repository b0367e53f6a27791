"""Users created by an administrator, and the invitations of those without a password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django import Settings

from accounts.mail.delivery import deliver_due
from accounts.models import EmailState, OutboxEmail, User, VerificationCode
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

EVE = {"email": "eve@example.com", "username": "eve"}
EVE_LOGIN = {"username": "eve", "password": PASSWORD}


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> ApiClient:
    return sign_in(admin).client


def test_a_user_is_created_with_the_given_fields(client: ApiClient) -> None:
    values = {"firstName": "Eve", "lastName": "Moore", "role": "ADMIN", "language": "fr", "emailVerified": True}

    response = client.post("/users", {**EVE, "password": PASSWORD, "isActive": False, **values})

    assert response.status_code == 201
    assert (EVE | values | {"isActive": False}).items() <= response.json()["data"]["user"].items()
    assert PASSWORD not in response.content.decode()


def test_a_user_with_a_password_gets_a_verification_code_by_email(
    api: ApiClient, client: ApiClient, outbox: Outbox
) -> None:
    user = client.post("/users", EVE | {"password": PASSWORD}).json()["data"]["user"]

    assert (user["role"], user["emailVerified"], user["isActive"]) == ("USER", False, True)
    assert api.post("/login", EVE_LOGIN).json()["code"] == "email_not_verified"
    [message] = outbox()
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(message)}).status_code == 200
    assert api.post("/login", EVE_LOGIN).status_code == 200


def test_a_user_without_a_password_sets_one_with_the_invitation(
    api: ApiClient, client: ApiClient, outbox: Outbox
) -> None:
    client.post("/users", EVE)
    assert api.post("/login", EVE_LOGIN).json()["code"] == "invalid_credentials"
    [invitation] = outbox()

    response = api.post("/reset-password", {"token": token_in(invitation), "newPassword": PASSWORD})

    assert invitation.to == ["eve@example.com"]
    assert "/reset-password?token=" in str(invitation.body)
    assert response.status_code == 200
    assert api.post("/login", EVE_LOGIN).json()["data"]["user"]["emailVerified"] is True


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_invitation_is_in_the_language_of_the_user(client: ApiClient, outbox: Outbox, language: str) -> None:
    client.post("/users", EVE | {"language": language, "firstName": "Eve"})

    [invitation] = outbox()

    assert "vestibule" in str(invitation.subject).lower()
    assert f'<html lang="{language}">' in str(invitation.alternatives[0][0])  # type: ignore[attr-defined]
    assert "Eve" in str(invitation.body)


def test_correcting_the_email_invalidates_the_invitation_to_the_wrong_one(
    api: ApiClient, client: ApiClient, outbox: Outbox
) -> None:
    user_id = client.post("/users", EVE).json()["data"]["user"]["id"]
    misdirected = token_in(outbox()[0])

    client.patch(f"/users/{user_id}", {"email": "eve@example.org"})

    second = outbox()[-1]
    assert second.to == ["eve@example.org"]
    assert (
        api.post("/reset-password", {"token": misdirected, "newPassword": PASSWORD}).json()["code"] == "token_invalid"
    )
    assert api.post("/reset-password", {"token": token_in(second), "newPassword": PASSWORD}).status_code == 200


def test_a_reset_requested_later_invalidates_the_invitation(api: ApiClient, client: ApiClient, outbox: Outbox) -> None:
    client.post("/users", EVE)
    invitation = outbox()[0]

    api.post("/forgot-password", {"email": EVE["email"]})

    reset = outbox()[-1]
    body = {"newPassword": PASSWORD}
    assert api.post("/reset-password", body | {"token": token_in(invitation)}).json()["code"] == "token_invalid"
    assert api.post("/reset-password", body | {"token": token_in(reset)}).status_code == 200


def test_a_late_retry_of_an_invitation_does_not_invalidate_a_reset_requested_after_it(
    api: ApiClient, client: ApiClient, outbox: Outbox
) -> None:
    client.post("/users", EVE)
    OutboxEmail.objects.update(due_at=timezone.now() + timedelta(minutes=5))
    api.post("/forgot-password", {"email": EVE["email"]})
    reset = outbox()[-1]

    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert deliver_due() == 1

    assert len(outbox()) == 1
    assert api.post("/reset-password", {"token": token_in(reset), "newPassword": PASSWORD}).status_code == 200


def test_a_queued_invitation_is_not_sent_once_the_user_has_a_password(client: ApiClient, outbox: Outbox) -> None:
    user_id = client.post("/users", EVE).json()["data"]["user"]["id"]
    client.patch(f"/users/{user_id}", {"password": PASSWORD})

    kinds = {message.subject for message in outbox()}

    assert len(kinds) == 2  # the notice of the new password, and the verification code
    assert not OutboxEmail.objects.filter(kind="invitation").exists()
    assert not VerificationCode.objects.filter(purpose="reset_password").exists()


def test_a_user_created_inactive_is_invited_at_activation(client: ApiClient, outbox: Outbox) -> None:
    user_id = client.post("/users", EVE | {"isActive": False}).json()["data"]["user"]["id"]
    assert outbox() == []

    client.patch(f"/users/{user_id}", {"isActive": True})

    [invitation] = outbox()
    assert "/reset-password?token=" in str(invitation.body)
    assert OutboxEmail.objects.get().state == EmailState.SENT


def test_a_user_created_as_verified_gets_the_welcome_email(client: ApiClient, api: ApiClient, outbox: Outbox) -> None:
    client.post("/users", EVE | {"password": PASSWORD, "emailVerified": True})

    assert len(outbox()) == 1
    assert OutboxEmail.objects.get().kind == "welcome"
    assert api.post("/login", EVE_LOGIN).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "unknown"}, "email"), ({"email": None}, "email"), ({"username": "e"}, "username"),
        ({"username": "eve\0"}, "username"), ({"password": "short"}, "password"), ({"password": ""}, "password"),
        ({"password": "Eve@example.com1"}, "password"), ({"role": "ROOT"}, "role"), ({"role": ["ADMIN"]}, "role"),
        ({"role": None}, "role"), ({"language": "xx"}, "language"), ({"firstName": "E"}, "firstName"),
        ({"isActive": "true"}, "isActive"), ({"emailVerified": 1}, "emailVerified"),
    ],
)  # fmt: skip
def test_an_invalid_user_is_not_created(client: ApiClient, changes: dict[str, Any], field: str) -> None:
    response = client.post("/users", EVE | changes)

    assert response.status_code == 400
    assert (response.json()["code"], list(response.json()["errors"])) == ("validation_error", [field])
    assert not User.objects.filter(username_key="eve").exists()
    assert not OutboxEmail.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code", "fields"),
    [
        ({"email": "Alice@Example.COM"}, "email_taken", {"email"}),
        ({"username": "ALICE"}, "username_taken", {"username"}),
        ({"email": "alice@example.com", "username": "Alice"}, "email_taken", {"email", "username"}),
    ],
)
def test_a_taken_email_or_username_is_named_in_the_errors(
    client: ApiClient, alice: User, changes: dict[str, str], code: str, fields: set[str]
) -> None:
    response = client.post("/users", EVE | changes)

    assert (response.status_code, response.json()["code"], set(response.json()["errors"])) == (400, code, fields)
    assert not OutboxEmail.objects.exists()


def test_a_user_without_an_email_needs_a_password(client: ApiClient, settings: Settings) -> None:
    settings.EMAIL_VERIFICATION = "none"

    rejected = client.post("/users", {"username": "eve"})
    made = client.post("/users", EVE_LOGIN)

    assert list(rejected.json()["errors"]) == ["password"]
    assert made.status_code == 201
    assert made.json()["data"]["user"]["email"] is None
