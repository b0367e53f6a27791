"""The list of passkeys, their names, and their removal by their user."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django import Settings
from time_machine import Traveller

from accounts.mfa.models import RecoveryCode
from accounts.models import AuditEvent, User
from accounts.passkeys.models import Passkey, PasskeyAuditKind
from accounts.passkeys.testing.authenticator import decode
from accounts.passkeys.testing.passkey_client import sign_in as sign_in_by_passkey
from accounts.passkeys.testing.passkey_client import with_passkey
from accounts.passkeys.testing.stored import store_passkey
from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
Outbox = Callable[[], list[EmailMessage]]


def _list(session: SignedIn) -> dict[str, Any]:
    data: dict[str, Any] = session.client.get("/passkeys").json()["data"]
    return data


def test_the_list_shows_the_newest_passkey_first_and_no_secret(signed_in: SignedIn) -> None:
    with_passkey(signed_in)
    store_passkey(signed_in.user, name="Security key", backed_up=False, transports=["usb"])

    first, second = _list(signed_in)["passkeys"]

    assert (first["name"], second["name"]) == ("Security key", "Passkey")
    assert set(first) == {"id", "name", "createdAt", "lastUsedAt", "backedUp", "transports", "provider"}
    assert (first["transports"], first["backedUp"], first["lastUsedAt"]) == (["usb"], False, None)


def test_the_time_of_the_last_use_is_listed(signed_in: SignedIn) -> None:
    authenticator = with_passkey(signed_in).authenticator

    assert sign_in_by_passkey(authenticator).status_code == 200

    assert _list(signed_in)["passkeys"][0]["lastUsedAt"] is not None


def test_the_signal_has_what_authenticators_know_the_user_by(signed_in: SignedIn) -> None:
    passkey = with_passkey(signed_in).authenticator.passkeys[0]

    signal = _list(signed_in)["signal"]

    assert decode(signal["userId"]) == passkey.user_handle
    assert [decode(entry) for entry in signal["allAcceptedCredentialIds"]] == [passkey.id]
    assert (signal["rpId"], signal["name"], signal["displayName"]) == ("localhost", "alice@example.com", "alice")


def test_the_signal_of_a_user_without_passkeys_names_an_unknown_user(signed_in: SignedIn, mallory: User) -> None:
    signal = _list(signed_in)["signal"]

    assert len(decode(signal["userId"])) == 64
    assert signal["allAcceptedCredentialIds"] == []
    assert _list(signed_in)["signal"] == signal


def test_a_user_sees_no_passkeys_of_others(signed_in: SignedIn, mallory: User, sign_in: SignIn) -> None:
    with_passkey(signed_in)

    assert _list(sign_in(mallory))["passkeys"] == []
    assert ApiClient().get("/passkeys").status_code == 401


def test_a_passkey_is_renamed_and_the_audit_says_so(signed_in: SignedIn) -> None:
    passkey = store_passkey(signed_in.user)

    response = signed_in.client.patch(f"/passkeys/{passkey.id}", {"name": "Work laptop"})

    assert response.json()["data"]["passkey"]["name"] == "Work laptop"
    assert _list(signed_in)["passkeys"][0]["name"] == "Work laptop"
    assert AuditEvent.objects.get(kind=PasskeyAuditKind.RENAMED).facts["name"] == "Work laptop"


@pytest.mark.parametrize("name", [None, "", "x" * 101, "a\nb", 1, ["x"]])
def test_an_unusable_name_changes_nothing(signed_in: SignedIn, name: object) -> None:
    passkey = store_passkey(signed_in.user)

    response = signed_in.client.patch(f"/passkeys/{passkey.id}", {"name": name})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert Passkey.objects.get().name == "Passkey"


def test_a_passkey_of_another_user_is_not_found(signed_in: SignedIn, mallory: User, sign_in: SignIn) -> None:
    passkey, attacker = store_passkey(signed_in.user), sign_in(mallory)

    for path in (f"/passkeys/{passkey.id}", f"/passkeys/{uuid4()}", "/passkeys/x", "/passkeys/registration"):
        for response in (attacker.client.patch(path, {"name": "Mine"}), attacker.client.delete(path)):
            assert (response.status_code, response.json()["code"]) == (404, "not_found")

    assert Passkey.objects.get().name == "Passkey"


def test_removing_the_last_passkey_turns_two_factor_authentication_off(signed_in: SignedIn, outbox: Outbox) -> None:
    with_passkey(signed_in)
    passkey_id = _list(signed_in)["passkeys"][0]["id"]

    assert signed_in.client.delete(f"/passkeys/{passkey_id}").status_code == 200

    user = User.objects.get(id=signed_in.user.id)
    assert (user.mfa_enabled, user.recovery_codes_left) == (False, None)
    assert not RecoveryCode.objects.exists()
    assert set(Session.objects.values_list("acr", "amr")) == {("aal1", "pwd swk")}
    assert AuditEvent.objects.get(kind=PasskeyAuditKind.REMOVED).facts["passkey"] == passkey_id
    assert "removed" in str(outbox()[-1].subject)


def test_the_other_sessions_lose_their_level_with_their_next_request(signed_in: SignedIn) -> None:
    authenticator = with_passkey(signed_in).authenticator
    other = ApiClient().bearing(sign_in_by_passkey(authenticator).json()["data"]["token"])
    assert other.get("/forward-auth?acr=aal2").status_code == 200

    assert signed_in.client.delete(f"/passkeys/{Passkey.objects.get().id}").status_code == 200

    response = other.get("/forward-auth?acr=aal2")
    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")


def test_an_ended_session_changes_no_passkey(signed_in: SignedIn) -> None:
    """The cached principal is still active, as in a request that waits for the lock while another one signs the user out."""
    path = f"/passkeys/{store_passkey(signed_in.user).id}"
    assert signed_in.client.get("/passkeys").status_code == 200
    Session.objects.update(revoked_at=timezone.now())

    for response in (signed_in.client.patch(path, {"name": "Mine"}), signed_in.client.delete(path)):
        assert (response.status_code, response.json()["code"]) == (401, "session_revoked")

    assert Passkey.objects.get().name == "Passkey"


def test_a_removed_passkey_signs_no_user_in(signed_in: SignedIn) -> None:
    authenticator = with_passkey(signed_in).authenticator
    signed_in.client.delete(f"/passkeys/{Passkey.objects.get().id}")

    response = sign_in_by_passkey(authenticator)

    assert (response.status_code, response.json()["code"]) == (401, "passkey_unknown")


def test_the_last_sign_in_method_cannot_be_removed(signed_in: SignedIn) -> None:
    with_passkey(signed_in)
    User.objects.filter(id=signed_in.user.id).update(password="!")  # as after a sign-up by passkey
    first, second = Passkey.objects.get(), store_passkey(signed_in.user)
    assert signed_in.client.delete(f"/passkeys/{first.id}").status_code == 200

    response = signed_in.client.delete(f"/passkeys/{second.id}")

    assert (response.status_code, response.json()["code"]) == (400, "last_sign_in_method")
    assert Passkey.objects.get() == second
    assert User.objects.get().mfa_enabled


def test_removing_a_passkey_needs_a_recent_proof(clock: Traveller, signed_in: SignedIn, settings: Settings) -> None:
    with_passkey(signed_in)
    path = f"/passkeys/{Passkey.objects.get().id}"
    clock.shift(settings.REAUTHENTICATION_MAX_AGE + timedelta(seconds=1))

    response = signed_in.client.delete(path)

    assert (response.status_code, response.json()["code"]) == (401, "reauthentication_required")
    assert Passkey.objects.exists()
    assert signed_in.client.patch(path, {"name": "New"}).status_code == 200


def test_the_export_has_the_passkeys(signed_in: SignedIn) -> None:
    with_passkey(signed_in)

    exported = signed_in.client.get("/me/export").json()["data"]

    assert exported["passkeys"] == _list(signed_in)["passkeys"]
