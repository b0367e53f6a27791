"""A user loses the only passkey, without a password: a reset by email sets one, and the recovery removes the passkey."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMessage
from time_machine import Traveller

from accounts.mfa.tests.recoveries import begin, complete, tokens_in
from accounts.models import User
from accounts.passkeys.models import Passkey
from accounts.passkeys.testing.passkey_client import UserWithPasskey, sign_in
from accounts.testing.api_client import ApiClient
from accounts.testing.emails import token_in

Outbox = Callable[[], list[EmailMessage]]
EMAIL, NEW = "alice@example.com", "Another-Horse-8"


def _log_in() -> dict[str, Any]:
    data: dict[str, Any] = ApiClient().post("/login", {"email": EMAIL, "password": NEW}).json()["data"]
    return data


def test_a_reset_and_a_recovery_restore_access_after_the_delay(
    alice_with_passkey: UserWithPasskey, outbox: Outbox, clock: Traveller
) -> None:
    User.objects.update(password="!")  # as after a sign-up by passkey
    ApiClient().post("/forgot-password", {"email": EMAIL})
    reset = ApiClient().post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": NEW})
    pending = _log_in()
    assert (reset.status_code, pending["methods"]) == (200, ["passkey", "recovery_code"])

    begun = begin(pending["mfaToken"])
    token, _stop = tokens_in(outbox())
    early = complete(token)
    clock.shift(timedelta(hours=24))

    assert (begun.status_code, early.json()["code"], complete(token).status_code) == (202, "recovery_not_ready", 200)
    assert not Passkey.objects.exists()
    assert sign_in(alice_with_passkey.authenticator).json()["code"] == "passkey_unknown"
    session = _log_in()["session"]
    assert (session["acr"], session["amr"]) == ("aal1", ["pwd"])
