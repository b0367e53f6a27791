"""Another verification email: its code, its cooldown, and what it reveals."""

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.api.tests.email_verification import (
    EMAIL,
    REGISTRATION,
    Outbox,
    after,
    open_link,
    send_code,
    wrong,
)
from accounts.models import EmailState, OutboxEmail, User, VerificationCode
from accounts.testing.api_client import ApiClient
from accounts.testing.emails import code_in, token_in


def test_a_resend_invalidates_the_former_code_and_link_at_once(
    api: ApiClient, message: EmailMessage, outbox: Outbox
) -> None:
    assert api.post("/resend-verification", {"email": "Eve@Example.com"}).status_code == 200

    assert send_code(api, code_in(message)) == (400, "code_invalid")
    assert open_link(api, token_in(message)) == (401, "token_invalid")
    second = outbox()[-1]
    assert code_in(second) != code_in(message)
    assert send_code(api, code_in(second)) == (200, "")


def test_a_resend_allows_five_more_attempts(api: ApiClient, message: EmailMessage, outbox: Outbox) -> None:
    for _ in range(6):
        send_code(api, wrong(code_in(message)))

    api.post("/resend-verification", {"email": EMAIL})

    assert send_code(api, code_in(outbox()[-1])) == (200, "")


def test_no_response_contains_a_code_or_token(api: ApiClient, message: EmailMessage, outbox: Outbox) -> None:
    response = api.post("/resend-verification", {"email": EMAIL})

    second = outbox()[-1]
    for secret in (code_in(second), token_in(second)):
        assert secret not in response.content.decode() + str(response.headers)
        assert not VerificationCode.objects.filter(binding__contains=secret).exists()


def test_of_queued_emails_only_the_last_is_sent(api: ApiClient, db: None, outbox: Outbox) -> None:
    api.post("/register", REGISTRATION)
    api.post("/resend-verification", {"email": EMAIL})
    api.post("/resend-verification", {"email": EMAIL})

    [message] = outbox()
    assert send_code(api, code_in(message)) == (200, "")
    assert OutboxEmail.objects.filter(state=EmailState.CANCELLED).count() == 2


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("unknown@example.com", (404, "user_not_found")), ("no address", (404, "user_not_found")),
        ("alice@example.com", (400, "email_already_verified")), (7, (400, "validation_error")), ("", (400, "validation_error")),
    ],
)  # fmt: skip
def test_a_resend_that_is_impossible_returns_the_reason(
    api: ApiClient, alice: User, email: object, expected: tuple[int, str]
) -> None:
    response = api.post("/resend-verification", {"email": email})

    assert (response.status_code, response.json()["code"]) == expected
    assert not OutboxEmail.objects.exists()


def test_a_resend_is_allowed_once_a_minute(api: ApiClient, message: EmailMessage, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    assert (
        api.post("/resend-verification", {"email": EMAIL}).status_code == 200
    )  # the registration email does not start the cooldown

    response = api.post("/resend-verification", {"email": "EVE@example.com"})

    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert 0 < int(response["Retry-After"]) <= 60
    assert OutboxEmail.objects.count() == 2
    with after(seconds=61):
        assert api.post("/resend-verification", {"email": EMAIL}).status_code == 200


def test_a_rejected_resend_does_not_invalidate_the_code(
    api: ApiClient, message: EmailMessage, outbox: Outbox, settings: Settings
) -> None:
    settings.RATE_LIMITS = True
    api.post("/resend-verification", {"email": EMAIL})

    assert api.post("/resend-verification", {"email": EMAIL}).status_code == 429

    assert send_code(api, code_in(outbox()[-1])) == (200, "")


def test_with_prevent_enumeration_all_emails_have_the_same_responses(
    api: ApiClient, message: EmailMessage, alice: User, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True
    for email in (EMAIL, "alice@example.com", "unknown@example.com", "no address"):
        resent = api.post("/resend-verification", {"email": email})

        assert resent.content == api.post("/resend-verification", {"email": "zoe@example.com"}).content
        assert resent.status_code == 200
        assert send_code(api, "000000", email) == (400, "code_invalid")
        assert open_link(api, "x", email) == (401, "token_invalid")
    queued = OutboxEmail.objects.filter(kind="verify_email").exclude(state=EmailState.CANCELLED)
    assert [email.user_id for email in queued] == [User.objects.get(username="eve").id] * 2


def test_with_prevent_enumeration_the_cooldown_reveals_nothing_either(
    api: ApiClient, message: EmailMessage, settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = settings.RATE_LIMITS = True

    registered = [api.post("/resend-verification", {"email": EMAIL}).content for _ in range(3)]
    unknown = [api.post("/resend-verification", {"email": "zoe@example.com"}).content for _ in range(3)]

    assert registered == unknown
    assert OutboxEmail.objects.exclude(state=EmailState.CANCELLED).count() == 2
