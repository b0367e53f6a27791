"""The effect of changed secrets on sessions, emailed links, services and second factors, as docs/operations.md states it."""

from collections.abc import Callable

import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.mfa.flows import key_rotation
from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import token_in
from accounts.testing.second_factor import UserWithTotp
from accounts.testing.service_client import make_service

FRESH = "another-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG"


def test_a_new_secret_key_keeps_users_signed_in(
    api: ApiClient, alice: User, sign_in: Callable[..., SignedIn], settings: Settings
) -> None:
    signed_in = sign_in(alice)

    settings.SECRET_KEY = FRESH

    assert signed_in.client.get("/me").status_code == 200
    assert api.post("/refresh", {"refreshToken": signed_in.refresh}).status_code == 200


def test_a_new_secret_key_invalidates_emailed_links(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]], settings: Settings
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    token = token_in(outbox()[0])

    settings.SECRET_KEY = FRESH

    response = api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"})
    assert response.json()["code"] == "token_invalid"


@pytest.mark.django_db
def test_a_new_secret_key_invalidates_service_credentials(settings: Settings) -> None:
    service = make_service()

    settings.SECRET_KEY = FRESH

    assert service.send("/introspect", token="any").status_code == 401


@pytest.mark.parametrize("prepared", [True, False])
def test_totp_secrets_survive_a_new_secret_key_only_with_their_own_key(
    api: ApiClient, alice_with_totp: UserWithTotp, clock: time_machine.Traveller, settings: Settings, prepared: bool
) -> None:
    settings.MFA_ENCRYPTION_KEYS = [FRESH + "-mfa"] if prepared else [settings.SECRET_KEY]
    key_rotation.reencrypt()

    settings.SECRET_KEY = FRESH
    if not prepared:
        settings.MFA_ENCRYPTION_KEYS = [FRESH]

    result = key_rotation.reencrypt()
    assert (result.current, result.unreadable) == ((1, 0) if prepared else (0, 1))


def test_a_new_secret_key_invalidates_recovery_codes(
    api: ApiClient, alice_with_totp: UserWithTotp, settings: Settings
) -> None:
    settings.SECRET_KEY = FRESH
    pending = api.post("/login", {"username": alice_with_totp.user.username, "password": PASSWORD}).json()["data"]

    response = api.post(
        "/mfa/verify", {"mfaToken": pending["mfaToken"], "recoveryCode": alice_with_totp.recovery_codes[0]}
    )

    assert response.json()["code"] == "code_invalid"


def test_a_routine_rotation_of_the_jwt_key_keeps_users_signed_in(
    api: ApiClient, alice: User, sign_in: Callable[..., SignedIn], settings: Settings
) -> None:
    """The former key stays in use for refresh tokens."""
    signed_in = sign_in(alice)

    settings.JWT_REFRESH_SECRET, settings.JWT_SECRET_KEY = settings.JWT_SECRET_KEY, FRESH

    assert signed_in.client.get("/me").json()["code"] == "token_invalid"
    fresh = api.post("/refresh", {"refreshToken": signed_in.refresh}).json()["data"]
    assert ApiClient().bearing(fresh["token"]).get("/me").status_code == 200
