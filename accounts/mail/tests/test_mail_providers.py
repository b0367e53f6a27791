"""Email through a provider's HTTP API: Anymail's real backends, and the result of each status that a provider returns."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import time_machine
from pytest_django import Settings

from accounts.mail import outbox
from accounts.mail.delivery import deliver_due
from accounts.models import EmailState, OutboxEmail, User
from accounts.testing import http_mail_provider
from accounts.testing.api_client import ApiClient
from accounts.testing.http_mail_provider import Provider
from core.environment.email_url import email_settings

KEY = "key-of-the-provider"
PROVIDERS = {
    "resend": "RESEND_API_KEY",
    "postmark": "POSTMARK_SERVER_TOKEN",
    "brevo": "BREVO_API_KEY",
}
SECRET_TEXT = {"message": f"alice@example.com, the key {KEY}, the code 123456", "ErrorCode": 10, "Message": "no"}

pytestmark = pytest.mark.django_db


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Provider]:
    """Configure the provider as EMAIL_URL does, with the API of the test server."""
    monkeypatch.setenv(PROVIDERS[request.param], KEY)
    with http_mail_provider.listening() as provider:
        for name, value in email_settings(f"{request.param}://", debug=False).items():
            setattr(settings, name, value)
        settings.ANYMAIL = settings.ANYMAIL | {f"{request.param.upper()}_API_URL": provider.url}
        yield provider


def _email() -> OutboxEmail:
    return OutboxEmail.objects.get()


def _fail(provider: Provider, alice: User, status: int, headers: dict[str, str] | None = None) -> OutboxEmail:
    provider.responses = [(status, headers or {}, SECRET_TEXT)]
    outbox.welcome(alice)
    assert deliver_due() == 1
    return _email()


def test_a_message_is_sent_to_the_provider_once_with_its_headers(
    api: ApiClient, provider: Provider, settings: Settings
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Acme <no-reply@acme.example>"
    api.post("/register", {"email": "eve@example.com", "username": "eve", "password": "Correct-Horse-7"})

    assert [deliver_due(), deliver_due()] == [1, 0]

    [(headers, body)] = provider.requests
    sent = json.dumps(body)
    assert KEY in headers.get("Authorization", "") + "".join(headers.values())
    assert all(text in sent for text in ("eve@example.com", "no-reply@acme.example", "Verify your email address", "<p"))
    assert "auto-generated" in sent
    assert "X-Auto-Response-Suppress" in sent
    assert f"<{_email().id}@acme.example>" in sent
    assert (_email().state, _email().error) == (EmailState.SENT, "")


@pytest.mark.parametrize("status", [400, 413, 422, 550, 554])
def test_a_rejected_message_or_recipient_is_a_permanent_error(
    provider: Provider, alice: User, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    email = _fail(provider, alice, status)

    assert (email.state, email.attempts) == (EmailState.FAILED, 1)
    assert email.error == f"AnymailRequestsAPIError {status}"
    assert not any(secret in caplog.text + email.error for secret in (KEY, "alice@", "123456"))


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_rejected_deployment_is_logged_as_an_error_and_retried(
    provider: Provider, alice: User, caplog: pytest.LogCaptureFixture, clock: time_machine.Traveller, status: int
) -> None:
    email = _fail(provider, alice, status)
    assert (email.state, email.error) == (EmailState.QUEUED, f"AnymailRequestsAPIError {status}")
    assert [record.levelname for record in caplog.records if "check EMAIL_URL" in record.getMessage()] == ["ERROR"]
    assert KEY not in caplog.text

    clock.shift(10)
    deliver_due()

    assert _email().state == EmailState.SENT


@pytest.mark.parametrize("status", [408, 409, 425, 429, 451, 500, 502, 503, 504, 520])
def test_an_error_of_the_provider_is_temporary(
    provider: Provider, alice: User, clock: time_machine.Traveller, status: int
) -> None:
    email = _fail(provider, alice, status)
    assert (email.state, email.error) == (EmailState.QUEUED, f"AnymailRequestsAPIError {status}")

    clock.shift(10)
    deliver_due()

    assert _email().state == EmailState.SENT


@pytest.mark.parametrize(
    ("value", "delay"),
    [("600", timedelta(seconds=600)), ("1", timedelta(seconds=10)), ("9" * 30, timedelta(days=1)),
     ("soon", timedelta(seconds=10)), ("-5", timedelta(seconds=10)), ("", timedelta(seconds=10))],
)  # fmt: skip
def test_retry_after_of_the_provider_delays_the_retry(
    provider: Provider, alice: User, clock: time_machine.Traveller, value: str, delay: timedelta
) -> None:
    email = _fail(provider, alice, 429, {"Retry-After": value})

    assert email.due_at - datetime.now(UTC) == delay


def test_retry_after_may_be_a_date(provider: Provider, alice: User, clock: time_machine.Traveller) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)

    email = _fail(provider, alice, 503, {"Retry-After": format_datetime(until, usegmt=True)})

    assert email.due_at == until


def test_a_closed_connection_is_retried(
    provider: Provider, alice: User, clock: time_machine.Traveller, settings: Settings
) -> None:
    email = _fail(provider, alice, 0)
    assert (email.state, email.error) == (EmailState.QUEUED, "AnymailRequestsAPIError ConnectionError")

    clock.shift(10)
    deliver_due()

    assert _email().state == EmailState.SENT
