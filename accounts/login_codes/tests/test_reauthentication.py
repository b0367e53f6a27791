"""The code that confirms the identity of a signed-in user who has neither password nor second factor."""

import uuid
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from pytest_django import Settings

from accounts.exceptions import CodeInvalid, TooManyWrongCodes
from accounts.login_codes.flows import reauthentication
from accounts.login_codes.tests.requests import Outbox, emailed, outcome, verify
from accounts.models import OutboxEmail, User
from accounts.registries import Ceremony, FactorAttempt, FactorResult
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.emails import code_in
from accounts.testing.second_factor import UserWithTotp
from sessions_tracking.client_info import ClientInfo

PATH = "/reauthenticate/email"
CLIENT = ClientInfo(ip=None, user_agent="", device="Other", browser="", os="", platform="", location="Unknown")


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


def _verify(session: SignedIn, code: str) -> FactorResult:
    with transaction.atomic():
        attempt = FactorAttempt(
            user=User.objects.select_for_update().get(id=session.user.id),
            value=code,
            client=CLIENT,
            ceremony=Ceremony.STEP_UP,
            binding=uuid.UUID(session.session_id),
            proven_amr=("email",),
        )
        return reauthentication.verify(attempt)


def test_the_emailed_code_confirms_the_identity_once(passwordless: SignedIn, outbox: Outbox) -> None:
    assert outcome(passwordless.client.post(PATH)) == (200, "ok")
    code = code_in(outbox()[-1])

    assert _verify(passwordless, code) == ("email",)
    assert isinstance(_verify(passwordless, code), CodeInvalid)


def test_the_code_is_valid_in_its_own_session_only(passwordless: SignedIn, outbox: Outbox) -> None:
    other = sign_in_by_code(passwordless.user, outbox)
    passwordless.client.post(PATH)
    code = code_in(outbox()[-1])

    assert isinstance(_verify(other, code), CodeInvalid)
    assert _verify(passwordless, code) == ("email",)


def test_a_login_code_confirms_no_identity_and_the_reverse(passwordless: SignedIn, outbox: Outbox) -> None:
    sent = emailed(outbox)
    passwordless.client.post(PATH)
    code = code_in(outbox()[-1])

    assert isinstance(_verify(passwordless, sent.code), CodeInvalid)
    assert outcome(verify(loginToken=sent.login_token, code=code)) == (400, "code_invalid")


def test_wrong_codes_are_limited_by_account(passwordless: SignedIn, outbox: Outbox) -> None:
    passwordless.client.post(PATH)
    code = code_in(outbox()[-1])
    wrong = "000000" if code != "000000" else "111111"
    assert all(isinstance(_verify(passwordless, wrong), CodeInvalid) for _ in range(5))

    with pytest.raises(TooManyWrongCodes):
        _verify(passwordless, code)


def test_a_newer_code_replaces_the_former_one(passwordless: SignedIn, outbox: Outbox) -> None:
    codes = []
    for _ in range(2):
        passwordless.client.post(PATH)
        codes.append(code_in(outbox()[-1]))

    assert isinstance(_verify(passwordless, codes[0]), CodeInvalid)
    assert _verify(passwordless, codes[1]) == ("email",)


def test_one_code_a_minute_is_sent(passwordless: SignedIn, limits_on: Settings, outbox: Outbox) -> None:
    responses = [passwordless.client.post(PATH) for _ in range(2)]

    assert [outcome(response) for response in responses] == [(200, "ok"), (429, "rate_limited")]
    assert 1 <= int(responses[1]["Retry-After"]) <= 60
    outbox()
    assert OutboxEmail.objects.filter(kind="reauthentication_code").count() == 1


def test_a_user_with_a_password_gets_no_code(signed_in: SignedIn, outbox: Outbox) -> None:
    assert outcome(signed_in.client.post(PATH)) == (400, "email_code_unavailable")
    assert outbox() == []


def test_a_user_with_a_second_factor_gets_no_code(alice_with_totp: UserWithTotp, outbox: Outbox) -> None:
    outbox()
    alice_with_totp.user.set_unusable_password()
    User.objects.update(password=alice_with_totp.user.password)
    mail.outbox.clear()

    assert outcome(alice_with_totp.session.client.post(PATH)) == (400, "email_code_unavailable")
    assert outbox() == []


def test_only_a_signed_in_user_gets_a_code(db: None) -> None:
    assert outcome(ApiClient().post(PATH)) == (401, "authentication_required")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_email_names_the_device_and_carries_no_link_that_signs_in(
    passwordless: SignedIn, outbox: Outbox, language: str
) -> None:
    User.objects.update(language=language)
    passwordless.client.post(PATH)

    message: Any = outbox()[-1]
    html = str(message.alternatives[0][0])
    for body in (str(message.body), html):
        assert code_in(message) in body
        assert "127.0.0.1" in body
        assert "token=" not in body
    assert ("Confirmez votre identité" in message.subject) is (language == "fr")
