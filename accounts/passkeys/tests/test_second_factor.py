"""A passkey as the second factor, after a password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEvent, AuditKind, PendingLogin
from accounts.passkeys.models import Passkey
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.authenticator import PRESENT, Flags, encode
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import UserWithTotp, verify
from sessions_tracking.models import Session


def _pending(username: str = "alice", **body: Any) -> dict[str, Any]:
    response = ApiClient().post("/login", {"username": username, "password": PASSWORD} | body)
    assert response.status_code == 200, response.content
    data: dict[str, Any] = response.json()["data"]
    assert data["mfaRequired"]
    return data


def _code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_login_lists_the_passkey_among_its_methods(alice_with_passkey: UserWithPasskey) -> None:
    assert _pending()["methods"] == ["passkey", "recovery_code"]


def test_a_passkey_completes_a_login_and_raises_it_to_aal2(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending(deviceName="Laptop")["mfaToken"]

    response = passkey_client.verify_second_factor(token, alice_with_passkey.authenticator)

    session = response.json()["data"]["session"]
    assert response.status_code == 200
    assert (session["name"], session["acr"], session["amr"]) == ("Laptop", "aal2", ["pwd", "swk", "mfa"])
    assert Passkey.objects.get().last_used_at is not None


def test_the_options_name_the_passkeys_of_the_user(alice_with_passkey: UserWithPasskey) -> None:
    options = passkey_client.second_factor_options(_pending()["mfaToken"])

    [allowed] = options["allowCredentials"]
    assert allowed["id"] == encode(alice_with_passkey.authenticator.passkeys[0].id)
    assert allowed["transports"] == ["internal", "hybrid"]
    assert options["userVerification"] == "preferred"


def test_user_presence_is_sufficient(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending()["mfaToken"]

    response = passkey_client.verify_second_factor(
        token, alice_with_passkey.authenticator, flags=PRESENT | Flags.BE, has_user_handle=False
    )

    assert response.status_code == 200
    assert response.json()["data"]["session"]["acr"] == "aal2"


def test_a_response_without_user_presence_is_refused(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending()["mfaToken"]

    response = passkey_client.verify_second_factor(token, alice_with_passkey.authenticator, flags=Flags.UV | Flags.BE)

    assert _code(response) == (401, "passkey_invalid")


def test_the_passkey_of_another_user_is_refused(
    alice_with_passkey: UserWithPasskey, mallory_with_passkey: UserWithPasskey
) -> None:
    token = _pending()["mfaToken"]
    options = passkey_client.second_factor_options(token) | {"allowCredentials": []}
    before = Session.objects.count()

    credential = mallory_with_passkey.authenticator.get(options)
    response = ApiClient().post("/mfa/verify", {"mfaToken": token, "credential": credential})

    assert _code(response) == (401, "passkey_invalid")
    assert Session.objects.count() == before
    assert AuditEvent.objects.get(kind=AuditKind.MFA_FAILED).user_id == alice_with_passkey.user.id


def test_a_removed_passkey_is_unknown(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending()["mfaToken"]
    credential = alice_with_passkey.authenticator.get(passkey_client.second_factor_options(token))
    Passkey.objects.all().delete()

    response = ApiClient().post("/mfa/verify", {"mfaToken": token, "credential": credential})

    assert _code(response) == (401, "passkey_unknown")


def test_the_challenge_of_one_login_completes_no_other(alice_with_passkey: UserWithPasskey) -> None:
    first, second = _pending()["mfaToken"], _pending()["mfaToken"]
    credential = alice_with_passkey.authenticator.get(passkey_client.second_factor_options(first))

    response = ApiClient().post("/mfa/verify", {"mfaToken": second, "credential": credential})

    assert _code(response) == (401, "passkey_invalid")
    assert ApiClient().post("/mfa/verify", {"mfaToken": first, "credential": credential}).status_code == 200


def test_a_completed_login_accepts_the_passkey_no_more(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending()["mfaToken"]
    body = {
        "mfaToken": token,
        "credential": alice_with_passkey.authenticator.get(passkey_client.second_factor_options(token)),
    }
    assert ApiClient().post("/mfa/verify", body).status_code == 200

    assert _code(ApiClient().post("/mfa/verify", body)) == (401, "token_invalid")


def test_five_forged_responses_end_the_login(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending()["mfaToken"]
    options = passkey_client.second_factor_options(token)
    forged = alice_with_passkey.authenticator.get(options, signature=b"forged")
    correct = alice_with_passkey.authenticator.get(options)

    for _ in range(5):
        assert _code(ApiClient().post("/mfa/verify", {"mfaToken": token, "credential": forged})) == (
            401,
            "passkey_invalid",
        )

    assert _code(ApiClient().post("/mfa/verify", {"mfaToken": token, "credential": correct})) == (401, "token_invalid")
    assert PendingLogin.objects.get().ended_at is not None


def test_options_for_an_unknown_token_are_refused(db: None) -> None:
    assert _code(ApiClient().post("/mfa/passkey/options", {"mfaToken": "unknown"})) == (401, "token_invalid")
    assert _code(ApiClient().post("/mfa/passkey/options", {})) == (400, "validation_error")


def test_options_for_an_expired_login_are_refused(alice_with_passkey: UserWithPasskey) -> None:
    token = _pending()["mfaToken"]

    with time_machine.travel(timedelta(minutes=6)):
        response = ApiClient().post("/mfa/passkey/options", {"mfaToken": token})

    assert _code(response) == (401, "token_expired")


def test_a_user_without_a_passkey_gets_no_options(alice_with_totp: UserWithTotp) -> None:
    response = ApiClient().post("/mfa/passkey/options", {"mfaToken": alice_with_totp.pending()})

    assert _code(response) == (400, "no_passkey")


def test_an_app_and_a_passkey_each_complete_a_login(
    alice_with_totp: UserWithTotp, clock: time_machine.Traveller
) -> None:
    authenticator = passkey_client.new_authenticator()
    assert passkey_client.register(alice_with_totp.session, authenticator).status_code == 201

    assert _pending()["methods"] == ["totp", "passkey", "recovery_code"]
    assert passkey_client.verify_second_factor(_pending()["mfaToken"], authenticator).status_code == 200
    assert verify(_pending()["mfaToken"], code=alice_with_totp.app.code()).status_code == 200


@pytest.mark.parametrize("others", [{"code": "123456"}, {"recoveryCode": "K7M2X-QH4TR"}])
def test_a_second_response_beside_the_passkey_is_refused(
    alice_with_passkey: UserWithPasskey, others: dict[str, str]
) -> None:
    token = _pending()["mfaToken"]
    credential = alice_with_passkey.authenticator.get(passkey_client.second_factor_options(token))

    response = ApiClient().post("/mfa/verify", {"mfaToken": token, "credential": credential} | others)

    assert _code(response) == (400, "validation_error")


def test_a_password_sign_in_of_a_user_with_a_passkey_has_no_session_before_the_passkey(
    alice_with_passkey: UserWithPasskey, sign_in: Callable[..., SignedIn]
) -> None:
    before = Session.objects.count()

    _pending()

    assert Session.objects.count() == before
