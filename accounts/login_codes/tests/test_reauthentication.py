"""The code that confirms the identity of a signed-in user who has neither password nor second factor."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings
from time_machine import Traveller

from accounts.login_codes.tests.requests import Outbox, emailed, outcome, verify
from accounts.models import OutboxEmail, User
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.emails import code_in
from accounts.testing.second_factor import UserWithTotp
from sessions_tracking.models import Session

PATH = "/reauthenticate/email"
OK, INVALID = (200, "ok"), (400, "code_invalid")


def sign_in_by_code(user: User, outbox: Outbox) -> SignedIn:
    sent = emailed(outbox, str(user.email))
    data = verify(loginToken=sent.login_token, code=sent.code).json()["data"]
    return SignedIn(user=user, client=ApiClient().bearing(data["token"]), data=data)


@pytest.fixture
def passwordless(alice: User, outbox: Outbox) -> SignedIn:
    """alice, who has no password, signed in by an emailed code."""
    alice.set_unusable_password()
    alice.save()
    return sign_in_by_code(alice, outbox)


def _request(session: SignedIn, outbox: Outbox) -> str:
    assert outcome(session.client.post(PATH)) == OK
    return code_in(outbox()[-1])


def _confirm(session: SignedIn, code: str) -> Any:
    return session.client.post("/reauthenticate", {"emailCode": code})


def test_the_emailed_code_confirms_the_identity_once(passwordless: SignedIn, outbox: Outbox, clock: Traveller) -> None:
    Session.objects.update(authenticated_at=datetime.now(UTC) - timedelta(hours=1))
    code = _request(passwordless, outbox)

    response = _confirm(passwordless, code)

    session = Session.objects.get(id=passwordless.session_id)
    assert outcome(response) == OK
    assert (session.amr, session.acr) == ("email", "aal1")
    assert datetime.now(UTC) - session.authenticated_at < timedelta(seconds=2)
    assert outcome(_confirm(passwordless, code)) == INVALID


def test_the_code_is_valid_in_its_own_session_only(passwordless: SignedIn, outbox: Outbox) -> None:
    other = sign_in_by_code(passwordless.user, outbox)
    code = _request(passwordless, outbox)

    assert outcome(_confirm(other, code)) == INVALID
    assert outcome(_confirm(passwordless, code)) == OK


def test_a_login_code_confirms_no_identity_and_the_reverse(passwordless: SignedIn, outbox: Outbox) -> None:
    sent = emailed(outbox)
    code = _request(passwordless, outbox)

    assert outcome(_confirm(passwordless, sent.code)) == INVALID
    assert outcome(verify(loginToken=sent.login_token, code=code)) == INVALID


def test_wrong_codes_are_limited_by_account(passwordless: SignedIn, outbox: Outbox) -> None:
    other = sign_in_by_code(passwordless.user, outbox)
    code = _request(passwordless, outbox)
    wrong = "000000" if code != "000000" else "111111"

    results = [outcome(_confirm(session, wrong)) for session in [passwordless, other] * 3]

    assert results == [INVALID] * 5 + [(429, "too_many_attempts")]
    assert outcome(_confirm(passwordless, code)) == (429, "too_many_attempts")


def test_a_newer_code_replaces_the_former_one(passwordless: SignedIn, outbox: Outbox) -> None:
    first, second = (_request(passwordless, outbox) for _ in range(2))

    assert outcome(_confirm(passwordless, first)) == INVALID
    assert outcome(_confirm(passwordless, second)) == OK


def test_a_code_expires_ten_minutes_after_it_is_sent(alice: User, outbox: Outbox, clock: Traveller) -> None:
    alice.set_unusable_password()
    alice.save()
    session = sign_in_by_code(alice, outbox)
    code = _request(session, outbox)
    clock.shift(timedelta(minutes=10, seconds=1))

    assert outcome(_confirm(session, code)) == INVALID


def test_one_code_a_minute_is_sent(passwordless: SignedIn, limits_on: Settings, outbox: Outbox) -> None:
    responses = [passwordless.client.post(PATH) for _ in range(2)]

    assert [outcome(response) for response in responses] == [OK, (429, "rate_limited")]
    assert 1 <= int(responses[1]["Retry-After"]) <= 60
    outbox()
    assert OutboxEmail.objects.filter(kind="reauthentication_code").count() == 1


def test_a_user_with_a_password_neither_gets_nor_uses_a_code(signed_in: SignedIn, outbox: Outbox) -> None:
    assert outcome(signed_in.client.post(PATH)) == (400, "email_code_unavailable")
    assert outbox() == []
    assert outcome(_confirm(signed_in, "123456")) == INVALID


def test_a_user_with_a_second_factor_neither_gets_nor_uses_a_code(
    alice_with_totp: UserWithTotp, outbox: Outbox
) -> None:
    session = alice_with_totp.session
    alice_with_totp.user.set_unusable_password()
    User.objects.update(password=alice_with_totp.user.password)
    before = len(outbox())

    assert outcome(session.client.post(PATH)) == (400, "email_code_unavailable")
    assert len(outbox()) == before
    assert outcome(_confirm(session, "123456")) == (400, "second_factor_required")


def test_only_a_signed_in_user_gets_a_code(db: None) -> None:
    assert outcome(ApiClient().post(PATH)) == (401, "authentication_required")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_email_names_the_device_and_carries_no_link_that_signs_in(
    passwordless: SignedIn, outbox: Outbox, language: str
) -> None:
    User.objects.update(language=language)
    code = _request(passwordless, outbox)

    message: Any = outbox()[-1]
    for body in (str(message.body), str(message.alternatives[0][0])):
        assert code in body
        assert "127.0.0.1" in body
        assert "token=" not in body
    assert ("Confirmez votre identité" in message.subject) is (language == "fr")
