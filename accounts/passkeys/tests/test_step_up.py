"""Step-up by passkey: a new proof for the session that is signed in."""

from datetime import timedelta
from typing import Any

import time_machine

from accounts.passkeys.models import Passkey
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import PRESENT, Flags, SoftwareAuthenticator, encode
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.second_factor import UserWithTotp
from sessions_tracking.models import Session


def _step_up(session: SignedIn, authenticator: SoftwareAuthenticator, **overrides: Any) -> Any:
    credential = authenticator.get(passkey_client.step_up_options(session), **overrides)
    return session.client.post("/reauthenticate", {"credential": credential})


def _signed_in_by_passkey(alice: UserWithPasskey) -> SignedIn:
    data = passkey_client.sign_in(alice.authenticator).json()["data"]
    return SignedIn(alice.user, ApiClient().bearing(data["token"]), data)


def _refused(response: Any, status: int = 400, code: str = "passkey_invalid") -> None:
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_step_up_renews_the_proof_of_the_session(alice_with_passkey: UserWithPasskey) -> None:
    session = alice_with_passkey.session
    before = Session.objects.get(id=session.session_id).authenticated_at

    with time_machine.travel(timedelta(minutes=11)):
        response = _step_up(session, alice_with_passkey.authenticator)

    assert response.status_code == 200
    assert response.json()["data"]["session"]["amr"] == ["pwd", "swk", "mfa"]
    assert Session.objects.get(id=session.session_id).authenticated_at > before
    assert Passkey.objects.get().last_used_at is not None


def test_the_options_name_the_passkeys_of_the_user(alice_with_passkey: UserWithPasskey) -> None:
    options = passkey_client.step_up_options(alice_with_passkey.session)

    assert [entry["id"] for entry in options["allowCredentials"]] == [
        encode(alice_with_passkey.authenticator.passkeys[0].id)
    ]


def test_a_user_without_a_passkey_gets_no_options(alice_with_totp: UserWithTotp) -> None:
    _refused(alice_with_totp.session.client.post("/reauthenticate/options"), code="no_passkey")


def test_options_require_a_signed_in_user(db: None) -> None:
    _refused(ApiClient().post("/reauthenticate/options"), 401, "authentication_required")


def test_user_presence_suffices_after_a_password(alice_with_passkey: UserWithPasskey) -> None:
    response = _step_up(alice_with_passkey.session, alice_with_passkey.authenticator, flags=PRESENT | Flags.BE)

    assert response.status_code == 200


def test_user_verification_is_required_after_a_passkey_alone(alice_with_passkey: UserWithPasskey) -> None:
    session = _signed_in_by_passkey(alice_with_passkey)

    _refused(_step_up(session, alice_with_passkey.authenticator, flags=PRESENT | Flags.BE))

    assert _step_up(session, alice_with_passkey.authenticator).status_code == 200


def test_the_passkey_of_another_user_is_refused(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey
) -> None:
    options = passkey_client.step_up_options(alice_with_passkey.session) | {"allowCredentials": []}
    credential = mallory_with_passkey.authenticator.get(options)

    _refused(alice_with_passkey.session.client.post("/reauthenticate", {"credential": credential}))

    assert {passkey.last_used_at for passkey in Passkey.objects.all()} == {None}


def test_a_response_steps_up_once(alice_with_passkey: UserWithPasskey) -> None:
    session = alice_with_passkey.session
    credential = alice_with_passkey.authenticator.get(passkey_client.step_up_options(session))
    assert session.client.post("/reauthenticate", {"credential": credential}).status_code == 200

    _refused(session.client.post("/reauthenticate", {"credential": credential}))


def test_a_challenge_expires_after_five_minutes(alice_with_passkey: UserWithPasskey) -> None:
    session = alice_with_passkey.session
    credential = alice_with_passkey.authenticator.get(passkey_client.step_up_options(session))

    with time_machine.travel(timedelta(minutes=5, seconds=1)):
        _refused(session.client.post("/reauthenticate", {"credential": credential}))

    assert Passkey.objects.get().last_used_at is None


def test_a_removed_passkey_is_refused(alice_with_passkey: UserWithPasskey) -> None:
    session = alice_with_passkey.session
    credential = alice_with_passkey.authenticator.get(passkey_client.step_up_options(session))
    passkey_client.register(session, passkey_client.new_authenticator())
    Passkey.objects.filter(credential_id=alice_with_passkey.authenticator.passkeys[0].id).delete()

    _refused(session.client.post("/reauthenticate", {"credential": credential}))

    assert Passkey.objects.get().last_used_at is None
