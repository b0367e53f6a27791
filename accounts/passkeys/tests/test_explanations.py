"""`manage.py explain_request` says why a sign-in by passkey was rejected."""

import pytest

from accounts.passkeys.models import Passkey
from accounts.passkeys.testing import passkey_client
from accounts.passkeys.testing.passkey_client import UserWithPasskey
from accounts.testing.explanations import explain
from core.rejected_requests import writer


@pytest.fixture(autouse=True)
def no_pending_records() -> None:
    writer.discard()


def test_a_forged_response_names_the_user(alice_with_passkey: UserWithPasskey) -> None:
    output = explain(passkey_client.sign_in(alice_with_passkey.authenticator, signature=b"forged"))

    assert "401 passkey_invalid on POST /api/auth/passkeys/login at " in output
    assert "the passkey of user alice gave an invalid response" in output


def test_a_replay_and_an_invalid_challenge_are_told_apart(alice_with_passkey: UserWithPasskey) -> None:
    authenticator = alice_with_passkey.authenticator
    credential = authenticator.get(passkey_client.sign_in_options())
    passkey_client.send_assertion(credential)

    replayed, foreign = passkey_client.send_assertion(credential), passkey_client.sign_in(authenticator, challenge=b"x")

    assert "user alice signed a challenge that had been used before" in explain(replayed)
    assert "user alice signed a challenge that has expired, or that was not issued for a sign-in" in explain(foreign)


def test_an_unknown_passkey_is_explained(alice_with_passkey: UserWithPasskey) -> None:
    Passkey.objects.all().delete()

    assert "no account has the passkey" in explain(passkey_client.sign_in(alice_with_passkey.authenticator))
