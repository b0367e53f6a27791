"""Sign-up by passkey, without a password."""

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, User
from accounts.passkeys.models import Passkey, UsedChallenge
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import PRESENT, Flags, Json, SoftwareAuthenticator
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in
from sessions_tracking.models import Session

pytestmark = pytest.mark.django_db

Outbox = Callable[[], list[EmailMessage]]
ERIN = {"email": "erin@example.com", "username": "erin"}


@pytest.fixture
def authenticator() -> SoftwareAuthenticator:
    return passkey_client.new_authenticator()


def _sign_up(authenticator: SoftwareAuthenticator, **overrides: Any) -> Any:
    return _register(authenticator.create(passkey_client.sign_up_options(**ERIN), **overrides))


def _register(credential: Json, **fields: str) -> Any:
    return ApiClient().post("/register", ERIN | {"credential": credential} | fields)


def _refused(response: Any, code: str, status: int = 400) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code)


def _verify_email(outbox: Outbox) -> None:
    code = code_in(next(message for message in outbox() if message.to == [ERIN["email"]]))
    assert ApiClient().post("/verify-email", {"email": ERIN["email"], "code": code}).status_code == 200


def test_the_options_describe_the_new_account_and_store_nothing(alice: User) -> None:
    options = passkey_client.sign_up_options(**ERIN)

    assert options["user"]["name"] == ERIN["email"]
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert [parameter["alg"] for parameter in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert options["user"]["id"] != passkey_client.sign_up_options(**ERIN)["user"]["id"]
    assert User.objects.get() == alice


def test_the_options_say_nothing_about_an_existing_account(alice: User) -> None:
    taken = passkey_client.sign_up_options(email="alice@example.com", username="alice")
    free = passkey_client.sign_up_options(email="erin1@example.com", username="erin1")

    assert taken.keys() == free.keys()
    assert taken["excludeCredentials"] == free["excludeCredentials"] == []


@pytest.mark.parametrize(
    "body", [{}, {"email": "x", "username": "erin"}, {"email": "erin@example.com", "username": "e"}]
)
def test_options_for_invalid_fields_are_refused(body: dict[str, str]) -> None:
    _refused(ApiClient().post("/passkeys/signup/options", body), "validation_error")


def test_a_user_signs_up_verifies_the_email_and_signs_in(authenticator: SoftwareAuthenticator, outbox: Outbox) -> None:
    response = _sign_up(authenticator)
    assert response.status_code == 201
    _verify_email(outbox)

    data = passkey_client.sign_in(authenticator).json()["data"]

    assert data["user"]["username"] == "erin"
    assert data["session"]["acr"] == "aal2"
    assert len(data["recoveryCodes"]) == 10
    assert "recoveryCodes" not in passkey_client.sign_in(authenticator).json()["data"]
    erin = User.objects.get()
    assert not erin.has_usable_password()
    assert erin.mfa_enabled


def test_the_response_of_a_sign_up_is_that_of_a_registration_with_a_password(
    authenticator: SoftwareAuthenticator,
) -> None:
    by_passkey = _sign_up(authenticator).json()
    body = {"email": "frank@example.com", "username": "frank", "password": PASSWORD}
    by_password = ApiClient().post("/register", body).json()

    assert by_passkey["message"] == by_password["message"]
    assert by_passkey["data"].keys() == by_password["data"].keys()
    assert by_passkey["data"]["user"].keys() == by_password["data"]["user"].keys()


def test_an_unverified_sign_up_cannot_sign_in(authenticator: SoftwareAuthenticator, settings: Settings) -> None:
    settings.EMAIL_VERIFICATION = "mandatory"
    _sign_up(authenticator)

    response = passkey_client.sign_in(authenticator)

    _refused(response, "email_not_verified", 403)
    assert not response.cookies
    assert not Session.objects.exists()


def test_without_email_verification_a_username_is_sufficient(
    authenticator: SoftwareAuthenticator, settings: Settings
) -> None:
    settings.EMAIL_VERIFICATION = "none"
    options = ApiClient().post("/passkeys/signup/options", {"username": "erin"}).json()["data"]["publicKey"]
    assert options["user"]["name"] == "erin"

    response = ApiClient().post("/register", {"username": "erin", "credential": authenticator.create(options)})

    assert response.status_code == 201
    assert passkey_client.sign_in(authenticator).json()["data"]["user"]["username"] == "erin"


def test_a_passkey_and_a_password_together_are_refused(authenticator: SoftwareAuthenticator) -> None:
    credential = authenticator.create(passkey_client.sign_up_options(**ERIN))

    _refused(_register(credential, password=PASSWORD), "validation_error")
    _refused(ApiClient().post("/register", ERIN), "validation_error")

    assert not User.objects.exists()
    assert _register(credential).status_code == 201


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"username": "alice"}, "username_taken"),
        ({"email": "alice@example.com"}, "email_taken"),
        ({"username": "e"}, "validation_error"),
        ({"email": "erin"}, "validation_error"),
    ],
)
def test_rejected_fields_do_not_use_the_challenge_up(
    alice: User, authenticator: SoftwareAuthenticator, fields: dict[str, str], code: str
) -> None:
    credential = authenticator.create(passkey_client.sign_up_options(**ERIN))

    _refused(_register(credential, **fields), code)
    assert not UsedChallenge.objects.exists()
    assert not Passkey.objects.exists()

    assert _register(credential).status_code == 201
    assert Passkey.objects.get().user.username == "erin"


def test_a_challenge_signs_up_once(authenticator: SoftwareAuthenticator) -> None:
    options = passkey_client.sign_up_options(**ERIN)
    first, second = authenticator.create(options), authenticator.create(options)
    assert _register(first).status_code == 201
    frank = {"email": "frank@example.com", "username": "frank"}

    _refused(_register(second, **frank), "passkey_invalid")
    _refused(_register(first, **frank), "passkey_exists", 409)

    assert User.objects.count() == Passkey.objects.count() == 1


def test_a_known_credential_id_is_refused(
    alice_with_passkey: UserWithPasskey, authenticator: SoftwareAuthenticator
) -> None:
    known = alice_with_passkey.authenticator.passkeys[0].id

    _refused(_sign_up(authenticator, credential_id=known), "passkey_exists", 409)

    assert not User.objects.filter(username="erin").exists()
    assert Passkey.objects.get().user == alice_with_passkey.user


MAX_SECONDS = 0.3
FORGERIES: dict[str, dict[str, Any]] = {
    "no user verification": {"flags": PRESENT | Flags.BE},
    "no user present": {"flags": Flags.UV},
    "another origin": {"origin": "https://evil.example"},
    "a cross-origin frame": {"cross_origin": True},
    "an assertion": {"type": "webauthn.get"},
    "another site": {"rp_id": "evil.example"},
    "an algorithm that was not offered": {"alg": -38},
    "an unknown algorithm": {"alg": -70_000},
    "garbage as a public key": {"public_key": b"\xff\xff"},
    "an empty public key": {"public_key": b"\xa0"},
    "trailing bytes": {"trailing": b"\x00"},
    "garbage as the attestation": {"attestation_object": b"\xff" * 100},
    "a deep attestation": {"attestation_object": b"\x81" * 3000},
    "a huge length": {"attestation_object": b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"},
    "a list as the attestation": {"attestation_object": b"\x80"},
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_credential_is_refused(authenticator: SoftwareAuthenticator, forgery: str) -> None:
    credential = authenticator.create(passkey_client.sign_up_options(**ERIN), **FORGERIES[forgery])

    gc.collect()  # of all tests: not to be measured
    started = time.thread_time()
    _refused(_register(credential), "passkey_invalid")
    assert time.thread_time() - started < MAX_SECONDS

    assert not User.objects.exists()
    assert not UsedChallenge.objects.exists()


def test_a_passkey_that_is_not_discoverable_is_refused() -> None:
    _refused(_sign_up(passkey_client.new_authenticator(is_discoverable=False)), "passkey_invalid")

    assert not User.objects.exists()


def test_a_sign_up_is_audited(authenticator: SoftwareAuthenticator) -> None:
    _sign_up(authenticator)

    erin = User.objects.get()
    kinds = set(AuditEvent.objects.filter(user_id=erin.id).values_list("kind", flat=True))
    assert kinds == {AuditKind.REGISTERED, "passkey_added"}


def test_an_administrator_creates_no_user_with_a_credential(
    admin: User, sign_in: Callable[..., Any], authenticator: SoftwareAuthenticator
) -> None:
    credential = authenticator.create(passkey_client.sign_up_options(**ERIN))

    response = sign_in(admin).client.post("/users", ERIN | {"credential": credential})

    assert response.status_code == 201
    assert not Passkey.objects.exists()
