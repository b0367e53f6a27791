"""Wrong codes are counted by account, across all of its tokens; the link still works."""

import pytest
from django.conf import settings
from pytest_django import Settings
from time_machine import Traveller

from accounts.login_codes.tests.requests import ALICE, Outbox, emailed, login_token, outcome, verify
from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient
from sessions_tracking.models import Session

INVALID, TOO_MANY = (400, "code_invalid"), (429, "too_many_attempts")


@pytest.mark.parametrize("email", [ALICE, "unknown@example.com"])
def test_five_attempts_over_ten_tokens_are_counted_together(alice: User, outbox: Outbox, email: str) -> None:
    tokens = [login_token(email) for _ in range(10)]
    outbox()

    results = [verify(loginToken=token, code="000000") for token in tokens]

    assert [outcome(result) for result in results] == [INVALID] * 5 + [TOO_MANY] * 5
    assert 3500 < int(results[-1]["Retry-After"]) <= 3600
    assert not Session.objects.exists()


@pytest.mark.parametrize("spelling", ["ALICE@EXAMPLE.COM", "alice@EXAMPLE.com"])
def test_spellings_of_an_email_share_the_attempts(alice: User, outbox: Outbox, spelling: str) -> None:
    for _ in range(5):
        verify(loginToken=login_token(spelling), code="000000")
    sent = emailed(outbox)

    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == TOO_MANY


@pytest.mark.parametrize("limits", [True, False])
def test_past_the_limit_the_right_code_fails_and_the_link_works(
    alice: User, outbox: Outbox, settings: Settings, limits: bool
) -> None:
    settings.RATE_LIMITS = limits
    sent = emailed(outbox)
    for _ in range(5):
        assert outcome(verify(loginToken=sent.login_token, code=sent.wrong_code)) == INVALID

    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == TOO_MANY
    assert outcome(verify(loginToken=sent.login_token, token=sent.token)) == (200, "ok")


def test_a_wrong_link_is_no_attempt(alice: User, outbox: Outbox) -> None:
    sent = emailed(outbox)
    for _ in range(10):
        assert outcome(verify(loginToken=sent.login_token, token="bm90IGl0")) == INVALID

    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == (200, "ok")


@pytest.mark.parametrize("by", ["code", "token"])
def test_a_right_code_or_link_resets_the_attempts(alice: User, outbox: Outbox, by: str) -> None:
    sent = emailed(outbox)
    for _ in range(4):
        verify(loginToken=sent.login_token, code=sent.wrong_code)
    assert verify(loginToken=sent.login_token, **{by: getattr(sent, by)}).status_code == 200

    other = emailed(outbox)
    results = [outcome(verify(loginToken=other.login_token, code=other.wrong_code)) for _ in range(6)]
    assert results == [INVALID] * 5 + [TOO_MANY]


def test_attempts_are_back_after_an_hour(alice: User, outbox: Outbox, clock: Traveller) -> None:
    sent = emailed(outbox)
    for _ in range(5):
        verify(loginToken=sent.login_token, code=sent.wrong_code)
    clock.shift(settings.LOGIN_CODE_ATTEMPTS_WINDOW)

    later = emailed(outbox)
    assert outcome(verify(loginToken=later.login_token, code=later.code)) == (200, "ok")


def test_exhausted_attempts_affect_no_other_sign_in(alice: User, mallory: User, outbox: Outbox) -> None:
    for _ in range(6):
        verify(loginToken=login_token(), code="000000")
    outbox()

    assert ApiClient().post("/login", {"email": ALICE, "password": PASSWORD}).status_code == 200
    sent = emailed(outbox, "mallory@example.com")
    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == (200, "ok")
