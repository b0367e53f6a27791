"""Adding a passkey in a session."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django import Settings
from time_machine import Traveller

from accounts.exceptions import ReauthenticationRequired
from accounts.models import AuditEvent, User
from accounts.passkeys.flows import enrolment
from accounts.passkeys.models import Passkey, PasskeyAuditKind, UsedChallenge
from accounts.passkeys.testing.authenticator import SYNCED, VERIFIED, Flags, decode
from accounts.passkeys.testing.keys import KEY_TYPES
from accounts.passkeys.testing.passkey_client import (
    new_authenticator,
    register,
    registration_options,
    sign_in_options,
    with_passkey,
)
from accounts.passkeys.testing.stored import store_passkey
from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]


def _add(session: SignedIn, credential: Any, **body: Any) -> Any:
    return session.client.post("/passkeys", {"credential": credential} | body)


def test_the_options_ask_for_a_discoverable_user_verified_passkey(signed_in: SignedIn) -> None:
    options = registration_options(signed_in)

    assert options["rp"] == {"id": "localhost", "name": "Vestibule"}
    assert (options["user"]["name"], options["user"]["displayName"]) == ("alice@example.com", "alice")
    assert [entry["alg"] for entry in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert (options["attestation"], options["timeout"], options["excludeCredentials"]) == ("none", 300_000, [])
    assert options["extensions"] == {"credProps": True}


def test_the_user_handle_is_random_and_stays_the_same(signed_in: SignedIn) -> None:
    first, second = (registration_options(signed_in) for _ in range(2))

    assert first["user"]["id"] == second["user"]["id"]
    assert len(decode(first["user"]["id"])) == 64
    assert signed_in.user.id.bytes not in decode(first["user"]["id"])
    assert first["challenge"] != second["challenge"]


@pytest.mark.parametrize("algorithm", KEY_TYPES)
def test_a_passkey_of_each_algorithm_is_added(signed_in: SignedIn, algorithm: int) -> None:
    response = register(signed_in, authenticator := new_authenticator(algorithms=[algorithm]))

    assert response.status_code == 201
    assert set(response.json()["data"]) == {"passkey", "recoveryCodes"}
    stored = Passkey.objects.get(user=signed_in.user)
    assert bytes(stored.credential_id) == authenticator.passkeys[0].id
    assert (stored.backup_eligible, stored.backed_up, stored.last_used_at) == (True, True, None)
    assert stored.transports == ["internal", "hybrid"]


def test_the_first_passkey_is_a_second_factor_and_raises_the_session(signed_in: SignedIn, outbox: Outbox) -> None:
    before = Session.objects.get(user=signed_in.user)

    codes = register(signed_in, new_authenticator()).json()["data"]["recoveryCodes"]

    assert len(set(codes)) == 10
    assert signed_in.client.get("/me").json()["data"]["user"]["mfaEnabled"] is True
    session = Session.objects.get(user=signed_in.user)
    assert (session.acr, session.amr.split()) == ("aal2", ["pwd", "swk", "mfa"])
    assert session.authenticated_at == before.authenticated_at
    assert "passkey" in str(outbox()[-1].subject).lower()
    event = AuditEvent.objects.get(kind=PasskeyAuditKind.ADDED)
    assert (event.user_id, event.actor_id, event.session_id) == (signed_in.user.id, signed_in.user.id, session.id)


def test_a_second_passkey_brings_no_recovery_codes_and_excludes_the_first(signed_in: SignedIn) -> None:
    first = with_passkey(signed_in).authenticator.passkeys[0]

    options = registration_options(signed_in)
    response = register(signed_in, new_authenticator())

    assert [decode(entry["id"]) for entry in options["excludeCredentials"]] == [first.id]
    assert set(response.json()["data"]) == {"passkey"}
    assert Passkey.objects.filter(user=signed_in.user).count() == 2


def test_a_passkey_that_cannot_be_copied_is_a_key_in_hardware(signed_in: SignedIn) -> None:
    response = register(signed_in, new_authenticator(flags=VERIFIED))

    assert response.json()["data"]["passkey"]["backedUp"] is False
    assert Session.objects.get(user=signed_in.user).amr.split() == ["pwd", "hwk", "mfa"]


@pytest.mark.parametrize(
    ("aaguid", "body", "name", "provider"),
    [
        ("fbfc3007154e4ecc8c0b6e020557d7bd", {}, "Apple Passwords", "Apple Passwords"),
        ("fbfc3007154e4ecc8c0b6e020557d7bd", {"name": "My phone"}, "My phone", "Apple Passwords"),
        ("00000000000000000000000000000000", {}, "Passkey", None),
        ("12345678123456781234567812345678", {}, "Passkey", None),
    ],
)
def test_a_passkey_is_named_after_its_provider(
    signed_in: SignedIn, aaguid: str, body: dict[str, str], name: str, provider: str | None
) -> None:
    credential = new_authenticator(aaguid=bytes.fromhex(aaguid)).create(registration_options(signed_in))

    passkey = _add(signed_in, credential, **body).json()["data"]["passkey"]

    assert (passkey["name"], passkey["provider"]) == (name, provider)


def test_a_passkey_of_an_unknown_provider_is_named_after_the_device(signed_in: SignedIn) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15"

    response = signed_in.client.post("/passkeys", {"credential": credential}, HTTP_USER_AGENT=agent)

    assert response.json()["data"]["passkey"]["name"] == "Safari, macOS"


@pytest.mark.parametrize("name", ["x" * 101, "", "a\nb", "\x00", 1, None])
def test_an_unusable_name_stores_nothing_and_leaves_the_challenge_valid(signed_in: SignedIn, name: object) -> None:
    credential = new_authenticator().create(registration_options(signed_in))

    response = _add(signed_in, credential, name=name)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert not Passkey.objects.exists()
    assert _add(signed_in, credential, name="x" * 100).status_code == 201


def test_a_passkey_without_user_verification_is_refused(signed_in: SignedIn) -> None:
    response = register(signed_in, new_authenticator(), flags=Flags.UP | Flags.BE | Flags.BS)

    assert (response.status_code, response.json()["code"]) == (400, "passkey_invalid")
    assert not Passkey.objects.exists()
    assert not UsedChallenge.objects.exists()


def test_a_passkey_that_is_not_discoverable_is_refused(signed_in: SignedIn) -> None:
    response = register(signed_in, new_authenticator(is_discoverable=False))

    assert (response.status_code, response.json()["code"]) == (400, "passkey_invalid")
    assert not Passkey.objects.exists()


def test_a_passkey_of_a_browser_that_does_not_report_properties_is_added(signed_in: SignedIn) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    credential["clientExtensionResults"] = {}

    assert _add(signed_in, credential).status_code == 201


def test_a_challenge_registers_one_passkey(signed_in: SignedIn) -> None:
    options = registration_options(signed_in)
    assert _add(signed_in, new_authenticator().create(options)).status_code == 201

    response = _add(signed_in, new_authenticator().create(options))

    assert (response.status_code, response.json()["code"]) == (400, "passkey_invalid")
    assert Passkey.objects.count() == 1


def test_a_challenge_of_another_session_or_purpose_registers_nothing(signed_in: SignedIn, sign_in: SignIn) -> None:
    other = sign_in(signed_in.user)
    of_other_session = registration_options(other)
    of_sign_in = registration_options(signed_in) | {"challenge": sign_in_options()["challenge"]}

    for options in (of_other_session, of_sign_in):
        response = _add(signed_in, new_authenticator().create(options))
        assert (response.status_code, response.json()["code"]) == (400, "passkey_invalid")

    assert not Passkey.objects.exists()


def test_a_challenge_registers_nothing_after_five_minutes(clock: Traveller, signed_in: SignedIn) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    clock.shift(timedelta(minutes=5, seconds=1))

    response = _add(signed_in, credential)

    assert (response.status_code, response.json()["code"]) == (400, "passkey_invalid")
    assert not Passkey.objects.exists()


def test_a_known_credential_id_is_refused_for_every_user(signed_in: SignedIn, mallory: User, sign_in: SignIn) -> None:
    passkey_id = with_passkey(signed_in).authenticator.passkeys[0].id
    attacker = sign_in(mallory)

    for session in (signed_in, attacker):
        response = register(session, new_authenticator(), credential_id=passkey_id)
        assert (response.status_code, response.json()["code"]) == (409, "passkey_exists")

    assert Passkey.objects.get().user == signed_in.user
    assert signed_in.client.get("/me").json()["data"]["user"]["mfaEnabled"] is True
    assert attacker.client.get("/me").json()["data"]["user"]["mfaEnabled"] is False


def test_a_user_has_at_most_twenty_passkeys(signed_in: SignedIn) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    for _ in range(20):
        store_passkey(signed_in.user)

    for response in (signed_in.client.post("/passkeys/registration/options"), _add(signed_in, credential)):
        assert (response.status_code, response.json()["code"]) == (400, "too_many_passkeys")

    assert Passkey.objects.count() == 20


def test_adding_a_passkey_needs_a_recent_proof(clock: Traveller, signed_in: SignedIn, settings: Settings) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    settings.REAUTHENTICATION_MAX_AGE = timedelta(minutes=2)
    clock.shift(timedelta(minutes=3))

    for response in (signed_in.client.post("/passkeys/registration/options"), _add(signed_in, credential)):
        assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
        assert 'max_age="120"' in response["WWW-Authenticate"]

    assert not Passkey.objects.exists()


def test_a_user_with_a_factor_needs_it_to_add_a_passkey(signed_in: SignedIn, sign_in: SignIn) -> None:
    """A session from before the factor was added has proven the password alone."""
    older = sign_in(signed_in.user)
    with_passkey(signed_in)

    response = older.client.post("/passkeys/registration/options")

    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    assert 'acr_values="aal2"' in response["WWW-Authenticate"]


def test_a_factor_that_was_added_while_a_request_waited_is_needed_too(signed_in: SignedIn, sign_in: SignIn) -> None:
    """The guard of the endpoint has passed the request when another session adds the first factor."""
    older = sign_in(signed_in.user)
    credential = new_authenticator().create(registration_options(older))
    with_passkey(signed_in)
    client = ClientInfo(ip=None, user_agent="", device="Other", browser="", os="", platform="", location="Unknown")
    ids = {"user_id": older.user.id, "session_id": UUID(older.session_id)}

    with pytest.raises(ReauthenticationRequired):
        enrolment.add(**ids, credential=credential, name="", client=client)

    assert Passkey.objects.count() == 1
    assert Session.objects.get(id=older.session_id).acr == "aal1"


def test_adding_a_passkey_needs_an_active_session(signed_in: SignedIn) -> None:
    credential = new_authenticator().create(registration_options(signed_in))
    Session.objects.filter(user=signed_in.user).update(revoked_at=timezone.now())

    assert ApiClient().post("/passkeys/registration/options").status_code == 401
    assert ApiClient().post("/passkeys", {"credential": credential}).status_code == 401
    assert _add(signed_in, credential).json()["code"] == "session_revoked"  # the cached principal is still active

    assert not Passkey.objects.exists()


def test_unknown_transports_are_kept_and_odd_ones_are_dropped(signed_in: SignedIn) -> None:
    authenticator = new_authenticator(transports=["telepathy", "usb", "usb", "<b>", "x" * 99])

    response = register(signed_in, authenticator)

    assert response.json()["data"]["passkey"]["transports"] == ["telepathy", "usb"]


def test_flags_of_a_new_passkey_are_stored(signed_in: SignedIn) -> None:
    register(signed_in, new_authenticator(), flags=SYNCED ^ Flags.BS, counter=7)

    stored = Passkey.objects.get()
    assert (stored.backup_eligible, stored.backed_up, stored.sign_count) == (True, False, 7)
