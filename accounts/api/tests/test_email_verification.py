"""Verification of an email by code."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.core.mail import EmailMessage

from accounts.api.tests.email_verification import (
    EMAIL,
    REGISTRATION,
    Outbox,
    after,
    email_kinds,
    is_verified,
    open_link,
    send_code,
    wrong,
)
from accounts.models import AttemptCounter, OutboxEmail, Purpose, User
from accounts.testing.api_client import ApiClient
from accounts.testing.emails import code_in, token_in
from accounts.verification import verification_codes
from sessions_tracking.models import Session


def test_the_code_verifies_and_sends_a_welcome_but_starts_no_session(
    api: ApiClient, message: EmailMessage, outbox: Outbox
) -> None:
    response = api.post("/verify-email", {"email": "EVE@Example.com", "code": code_in(message)})

    assert response.status_code == 200
    assert response.json()["data"]["user"]["emailVerified"] is True
    assert not response.cookies
    assert not Session.objects.exists()
    assert [message.to for message in outbox()[1:]] == [[EMAIL]]
    assert email_kinds() == ["verify_email", "welcome"]


def test_a_code_works_once(api: ApiClient, message: EmailMessage) -> None:
    assert send_code(api, code_in(message)) == (200, "")

    assert send_code(api, code_in(message)) == (400, "code_invalid")
    assert email_kinds().count("welcome") == 1


def test_after_five_wrong_codes_the_right_one_is_rejected_too(api: ApiClient, message: EmailMessage) -> None:
    code = code_in(message)
    for _ in range(5):
        assert send_code(api, wrong(code)) == (400, "code_invalid")

    assert send_code(api, code) == (429, "too_many_attempts")
    assert send_code(api, wrong(code)) == (429, "too_many_attempts")
    assert not is_verified()


def test_the_right_code_works_at_the_fifth_attempt(api: ApiClient, message: EmailMessage) -> None:
    for _ in range(4):
        send_code(api, wrong(code_in(message)))

    assert send_code(api, code_in(message)) == (200, "")
    assert not AttemptCounter.objects.exists()


def test_attempts_before_the_registration_do_not_count(db: None, api: ApiClient, outbox: Outbox) -> None:
    """Otherwise an attacker could block an email before its owner registers."""
    for _ in range(6):
        send_code(api, "123456")

    api.post("/register", REGISTRATION)

    assert send_code(api, code_in(outbox()[0])) == (200, "")


@pytest.mark.parametrize("email", ["unknown@example.com", "alice@example.com", "no address"])
def test_an_unknown_or_verified_email_has_the_same_responses(api: ApiClient, alice: User, email: str) -> None:
    responses = [send_code(api, "123456", email) for _ in range(6)]

    assert responses == [(400, "code_invalid")] * 5 + [(429, "too_many_attempts")]


def test_all_spellings_of_an_email_share_their_attempts(api: ApiClient, message: EmailMessage) -> None:
    for email in ("eve@example.com", "EVE@example.com", "eve@EXAMPLE.com", "Eve@Example.Com", "eVE@example.com"):
        assert send_code(api, wrong(code_in(message)), email) == (400, "code_invalid")

    assert send_code(api, code_in(message), "evE@example.com") == (429, "too_many_attempts")


def test_the_code_of_another_user_is_a_wrong_code(api: ApiClient, message: EmailMessage, bob: User) -> None:
    assert send_code(api, code_in(message), "bob@example.com") == (400, "code_invalid")

    assert not User.objects.get(id=bob.id).email_verified
    assert AttemptCounter.objects.get().count == 1
    assert send_code(api, code_in(message)) == (200, "")


@pytest.mark.parametrize("code", [123456, 12.5, True, None, [], {}, "", "12\x00456", "1" * 65])
def test_a_malformed_code_is_a_validation_error(api: ApiClient, message: EmailMessage, code: object) -> None:
    assert send_code(api, code) == (400, "validation_error")
    assert not AttemptCounter.objects.exists()


@pytest.mark.parametrize("change", ["+{}", "{}0", "0{}", "{}x"])
def test_a_code_has_exactly_six_digits(api: ApiClient, message: EmailMessage, change: str) -> None:
    assert send_code(api, change.format(code_in(message))) == (400, "validation_error")
    assert not is_verified()


def test_a_code_keeps_its_leading_zeros() -> None:
    codes = {verification_codes._code(Purpose.VERIFY_EMAIL, UUID(int=number)) for number in range(400)}

    assert all(len(code) == 6 and code.isdecimal() for code in codes)
    assert any(code.startswith("0") for code in codes)
    assert len(codes) > 390


def test_the_code_expires_15_minutes_after_sending_and_the_link_after_a_day(
    api: ApiClient, message: EmailMessage
) -> None:
    assert "15 minutes" in str(message.body)
    sent_at = OutboxEmail.objects.get().sent_at or datetime.min.replace(tzinfo=UTC)

    with time_machine.travel(sent_at + timedelta(minutes=15), tick=False):
        assert send_code(api, code_in(message)) == (400, "code_invalid")
    with time_machine.travel(sent_at + timedelta(hours=24), tick=False):
        assert open_link(api, token_in(message)) == (401, "token_invalid")
    with time_machine.travel(sent_at + timedelta(hours=23, minutes=59), tick=False):
        assert open_link(api, token_in(message)) == (200, "")


def test_an_email_sent_late_carries_a_valid_code(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", REGISTRATION)

    with after(hours=2):
        [message] = outbox()
    with after(hours=2, minutes=14):
        assert send_code(api, code_in(message)) == (200, "")


def test_a_deactivated_account_cannot_be_verified(api: ApiClient, message: EmailMessage) -> None:
    User.objects.update(is_active=False)

    assert send_code(api, code_in(message)) == (400, "code_invalid")
    assert open_link(api, token_in(message)) == (401, "token_invalid")
    assert not is_verified()
    assert not User.objects.get().is_active
