"""Mallory registers the email of alice and adds a passkey. The passkey is removed when alice first proves the email."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import Role, User
from accounts.passkeys.models import Passkey, PasskeyHandle
from accounts.passkeys.testing.passkey_client import UserWithPasskey, sign_in, with_passkey
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import token_in

Outbox = Callable[[], list[EmailMessage]]
EMAIL, NEW = "alice@example.com", "Another-Horse-8"


@pytest.fixture
def planted(db: None, settings: Settings, request: pytest.FixtureRequest) -> UserWithPasskey:
    """Register the email of alice as mallory, and add a passkey."""
    settings.EMAIL_VERIFICATION = "optional"
    ApiClient().post("/register", {"email": EMAIL, "username": "mallory", "password": PASSWORD})
    log_in: Callable[..., SignedIn] = request.getfixturevalue("sign_in")
    return with_passkey(log_in(User.objects.get()))


def _reset(outbox: Outbox) -> Any:
    ApiClient().post("/forgot-password", {"email": EMAIL})
    return ApiClient().post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": NEW})


def test_a_reset_removes_a_planted_passkey(planted: UserWithPasskey, outbox: Outbox) -> None:
    assert _reset(outbox).status_code == 200

    assert not Passkey.objects.exists()
    assert not PasskeyHandle.objects.exists()
    assert sign_in(planted.authenticator).json()["code"] == "passkey_unknown"
    response = ApiClient().post("/login", {"email": EMAIL, "password": NEW})
    assert "token" in response.json()["data"]
    assert User.objects.get().mfa_enabled is False


def test_a_reset_of_a_verified_account_keeps_its_passkeys(signed_in: SignedIn, outbox: Outbox) -> None:
    alice = with_passkey(signed_in)

    assert _reset(outbox).status_code == 200

    assert sign_in(alice.authenticator).status_code == 200


def test_a_mailbox_is_not_enough_to_become_an_administrator(planted: UserWithPasskey, outbox: Outbox) -> None:
    User.objects.update(role=Role.ADMIN)

    assert _reset(outbox).status_code == 200

    assert Passkey.objects.exists()
    assert "mfaToken" in ApiClient().post("/login", {"email": EMAIL, "password": NEW}).json()["data"]


def test_the_new_owner_gets_a_new_user_handle(planted: UserWithPasskey, outbox: Outbox, sign_in: Any) -> None:
    _reset(outbox)
    data = ApiClient().post("/login", {"email": EMAIL, "password": NEW}).json()["data"]
    session = SignedIn(user=planted.user, client=ApiClient().bearing(data["token"]), data=data)

    owner = with_passkey(session)

    assert owner.authenticator.passkeys[0].user_handle != planted.authenticator.passkeys[0].user_handle
