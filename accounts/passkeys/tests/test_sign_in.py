"""Sign-in by passkey: the session that it starts, and whose passkeys are refused."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, User
from accounts.passkeys.models import Passkey
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import PRESENT, VERIFIED, Flags
from accounts.passkeys.testing.keys import EDDSA, ES256, RS256
from accounts.passkeys.testing.passkey_client import UserWithPasskey, with_passkey
from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.models import Session


def _refused(response: Any, code: str = "passkey_invalid", status: int = 401) -> bool:
    """Assert the error, and that the response has no cookie."""
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not response.cookies
    return True


def test_a_passkey_signs_its_user_in_with_both_factors(alice_with_passkey: UserWithPasskey) -> None:
    client = ApiClient()

    response = passkey_client.sign_in(alice_with_passkey.authenticator, client)

    data = response.json()["data"]
    assert response.status_code == 200
    assert data["user"]["id"] == str(alice_with_passkey.user.id)
    assert (data["session"]["acr"], data["session"]["amr"]) == ("aal2", ["swk", "mfa"])
    assert response.cookies["jwt"].value == data["token"]
    assert client.bearing(data["token"]).get("/me").json()["data"]["user"]["username"] == "alice"
    assert (
        AuditEvent.objects.filter(kind=AuditKind.LOGIN).latest("created_at").session_id
        == Session.objects.latest("created_at").id
    )


def test_a_passkey_that_cannot_be_backed_up_is_bound_to_hardware(signed_in: SignedIn) -> None:
    alice = with_passkey(signed_in, flags=VERIFIED)

    session = passkey_client.sign_in(alice.authenticator).json()["data"]["session"]

    assert (session["acr"], session["amr"]) == ("aal2", ["hwk", "mfa"])


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_passkey_of_each_offered_algorithm_signs_in(signed_in: SignedIn, algorithm: int) -> None:
    alice = with_passkey(signed_in, algorithms=[algorithm])

    assert passkey_client.sign_in(alice.authenticator).status_code == 200


def test_the_options_name_no_user_and_require_user_verification(alice_with_passkey: UserWithPasskey) -> None:
    options = passkey_client.sign_in_options()

    assert options["userVerification"] == "required"
    assert options["rpId"] == django_settings.WEBAUTHN_RP_ID
    assert not options.get("allowCredentials")
    assert options["challenge"] != passkey_client.sign_in_options()["challenge"]


def test_the_options_are_the_same_for_every_user(alice_with_passkey: UserWithPasskey) -> None:
    responses = [
        ApiClient().post("/passkeys/login/options", {"username": name, "email": f"{name}@example.com"})
        for name in ("alice", "unknown")
    ]

    options = [response.json()["data"]["publicKey"] | {"challenge": ""} for response in responses]
    assert options[0] == options[1]
    assert not AuditEvent.objects.filter(kind=AuditKind.LOGIN_FAILED).exists()


def test_a_passkey_sign_in_takes_the_same_options_as_a_password_sign_in(alice_with_passkey: UserWithPasskey) -> None:
    credential = alice_with_passkey.authenticator.get(passkey_client.sign_in_options())
    body: dict[str, Any] = {"deviceName": "Phone", "data": {"theme": "dark"}, "lifetime": 600, "persistent": False}

    response = passkey_client.send_assertion(credential, **body)

    session = Session.objects.get(id=response.json()["data"]["session"]["id"])
    assert (session.name, session.data, session.persistent) == ("Phone", {"theme": "dark"}, False)
    assert session.absolute_expires_at - session.created_at <= timedelta(seconds=600)
    assert response.cookies["jwt"]["max-age"] == ""


def test_a_sign_in_records_the_use_and_the_backup_state(alice_with_passkey: UserWithPasskey) -> None:
    assert Passkey.objects.get().last_used_at is None

    passkey_client.sign_in(alice_with_passkey.authenticator, flags=VERIFIED | Flags.BE)

    passkey = Passkey.objects.get()
    assert passkey.last_used_at is not None
    assert not passkey.backed_up


def test_a_sign_in_without_user_verification_is_refused(alice_with_passkey: UserWithPasskey) -> None:
    before = Session.objects.count()

    response = passkey_client.sign_in(alice_with_passkey.authenticator, flags=PRESENT | Flags.BE)

    assert _refused(response)
    assert Session.objects.count() == before


def test_an_unknown_passkey_is_told_apart_so_that_a_page_can_remove_it(alice_with_passkey: UserWithPasskey) -> None:
    Passkey.objects.all().delete()

    response = passkey_client.sign_in(alice_with_passkey.authenticator)

    assert _refused(response, "passkey_unknown")
    event = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert (event.user_id, event.facts["reason"]) == (None, "passkey_unknown")


def test_a_passkey_with_the_handle_of_another_user_is_refused(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey
) -> None:
    alices = alice_with_passkey.authenticator.passkeys[0]

    response = passkey_client.sign_in(mallory_with_passkey.authenticator, user_handle=alices.user_handle)

    assert _refused(response)
    event = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert (event.user_id, event.facts["reason"]) == (mallory_with_passkey.user.id, "passkey_invalid")


def test_a_passkey_without_a_user_handle_is_refused(alice_with_passkey: UserWithPasskey) -> None:
    assert _refused(passkey_client.sign_in(alice_with_passkey.authenticator, has_user_handle=False))


def test_an_assertion_signed_by_another_key_is_refused(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey
) -> None:
    key = mallory_with_passkey.authenticator.passkeys[0].key

    assert _refused(passkey_client.sign_in(alice_with_passkey.authenticator, signing_key=key))


def test_a_deactivated_user_is_refused_and_leaves_nothing_for_the_next_one(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey
) -> None:
    User.objects.filter(id=alice_with_passkey.user.id).update(is_active=False)
    client = ApiClient()

    assert _refused(passkey_client.sign_in(alice_with_passkey.authenticator, client))
    response = passkey_client.sign_in(mallory_with_passkey.authenticator, client)

    assert response.json()["data"]["user"]["username"] == "mallory"
    assert client.get("/me").json()["data"]["user"]["username"] == "mallory"
    assert AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED).facts["reason"] == "inactive"


def test_an_unverified_user_is_refused_only_after_a_valid_assertion(
    alice_with_passkey: UserWithPasskey, settings: Settings
) -> None:
    settings.EMAIL_VERIFICATION = "mandatory"
    User.objects.update(email_verified_at=None)
    before = Session.objects.count()

    valid = passkey_client.sign_in(alice_with_passkey.authenticator)
    forged = passkey_client.sign_in(alice_with_passkey.authenticator, signature=b"forged")

    assert _refused(valid, "email_not_verified", 403)
    assert _refused(forged)
    assert Session.objects.count() == before


def test_an_assertion_signs_in_once(alice_with_passkey: UserWithPasskey) -> None:
    credential = alice_with_passkey.authenticator.get(passkey_client.sign_in_options())
    assert passkey_client.send_assertion(credential).status_code == 200
    before = (Session.objects.count(), Passkey.objects.get().last_used_at)

    assert _refused(passkey_client.send_assertion(credential))

    assert (Session.objects.count(), Passkey.objects.get().last_used_at) == before


def test_a_challenge_signs_in_once_with_any_passkey(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey
) -> None:
    options = passkey_client.sign_in_options()
    assert passkey_client.send_assertion(mallory_with_passkey.authenticator.get(options)).status_code == 200

    assert _refused(passkey_client.send_assertion(alice_with_passkey.authenticator.get(options)))


def test_a_challenge_expires_after_five_minutes(alice_with_passkey: UserWithPasskey) -> None:
    credential = alice_with_passkey.authenticator.get(passkey_client.sign_in_options())

    with time_machine.travel(timedelta(minutes=5, seconds=1)):
        assert _refused(passkey_client.send_assertion(credential))


def test_a_session_that_has_ended_keeps_its_challenge_used(alice_with_passkey: UserWithPasskey) -> None:
    credential = alice_with_passkey.authenticator.get(passkey_client.sign_in_options())
    token = passkey_client.send_assertion(credential).json()["data"]["token"]
    ApiClient().bearing(token).post("/logout")

    assert _refused(passkey_client.send_assertion(credential))
