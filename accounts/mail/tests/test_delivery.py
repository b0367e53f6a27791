"""Delivery of the outbox: retries, delays, claims of concurrent workers."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db.models import QuerySet
from pytest_django import Settings

from accounts.mail import delivery, outbox
from accounts.mail.delivery import MIN_ATTEMPTS, RETRY_FOR, deliver_due
from accounts.mail.tests.scripted_smtp import ScriptedServer
from accounts.models import EmailState, OutboxEmail, User
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in, token_in
from config.celery import app

EVE = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}

pytestmark = pytest.mark.django_db


def _states() -> list[str]:
    return list(OutboxEmail.objects.order_by("id").values_list("state", flat=True))


def test_a_retry_carries_the_same_code_link_and_message_id(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    smtp_server.responses = [("DATA", "421 busy"), ("RCPT", "451 later")]
    api.post("/register", EVE)
    for _ in range(3):
        deliver_due()
        clock.shift(3600)

    first, last = smtp_server.offered
    assert code_in(first) == code_in(last)
    assert token_in(first) == token_in(last)
    assert first.extra_headers["Message-ID"] == last.extra_headers["Message-ID"]
    assert OutboxEmail.objects.get().attempts == 3


def test_the_code_of_a_late_retry_is_valid(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    smtp_server.responses = [("RCPT", "451 later")]
    api.post("/register", EVE)
    deliver_due()
    clock.shift(3600)
    deliver_due()

    clock.shift(14 * 60)
    assert (
        api.post("/verify-email", {"email": EVE["email"], "code": code_in(smtp_server.offered[-1])}).status_code == 200
    )


def test_the_first_copy_of_an_email_sent_twice_is_valid_too(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    smtp_server.responses = [("DATA", "451 accepted, but rejected")]
    api.post("/register", EVE)
    deliver_due()
    clock.shift(60)
    deliver_due()

    assert (
        api.post("/verify-email", {"email": EVE["email"], "code": code_in(smtp_server.offered[0])}).status_code == 200
    )


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (("RCPT", "550 no mailbox for eve@example.com"), "SMTPRecipientsRefused 550"),
        (("DATA", "554 spam, says the code 123456"), "SMTPDataError 554"),
    ],
)
def test_a_permanent_rejection_fails_the_email_with_a_reason(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller, response: tuple[str, str], reason: str
) -> None:
    smtp_server.responses = [response]
    api.post("/register", EVE)
    deliver_due()
    clock.shift(24 * 3600)

    assert deliver_due() == 0

    email = OutboxEmail.objects.get()
    assert (email.state, email.attempts, email.error) == (EmailState.FAILED, 1, reason)


@pytest.mark.parametrize(
    "response",
    [
        ("MAIL", "450 later"),
        ("RCPT", "450 greylisted"),
        ("DATA", "452 full"),
        ("DATA", "421 going down"),
        ("MAIL", "530 authentication required"),
        ("MAIL", "550 not from you"),
        ("RCPT", "530 authentication required"),
    ],
)
def test_a_temporary_error_is_retried_after_a_delay(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller, response: tuple[str, str]
) -> None:
    smtp_server.responses = [response]
    api.post("/register", EVE)
    assert deliver_due() == 1
    assert deliver_due() == 0
    assert OutboxEmail.objects.get().error.startswith("SMTP")

    clock.shift(10)
    assert deliver_due() == 1

    assert _states() == [EmailState.SENT]
    assert OutboxEmail.objects.get().error == ""


def test_an_unavailable_mail_server_is_retried(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller, settings: Settings
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    api.post("/register", EVE)
    deliver_due()
    assert (_states(), OutboxEmail.objects.get().error) == ([EmailState.QUEUED], "ConnectionRefusedError")

    settings.EMAIL_PORT = port
    clock.shift(10)
    deliver_due()

    assert len(smtp_server.offered) == 1


def test_retry_delays_grow_and_retries_end(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    smtp_server.responses = [("DATA", "451 later")] * 99
    api.post("/register", EVE)
    started, delays = datetime.now(UTC), []
    while OutboxEmail.objects.get().state != EmailState.FAILED:
        assert deliver_due() == 1
        delays.append(OutboxEmail.objects.get().due_at - datetime.now(UTC))
        clock.shift(delays[-1])

    assert delays[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert max(delays) == timedelta(hours=2)
    assert timedelta(0) <= datetime.now(UTC) - started - RETRY_FOR <= timedelta(hours=4)


def test_an_email_that_waited_days_for_a_worker_still_gets_its_minimum_of_attempts(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    smtp_server.responses = [("RCPT", "450 greylisted")] * (MIN_ATTEMPTS - 1)
    api.post("/register", EVE)
    clock.shift(RETRY_FOR + timedelta(days=1))

    for _ in range(MIN_ATTEMPTS):
        deliver_due()
        clock.shift(timedelta(hours=2))
    clock.shift(timedelta(hours=-2))

    [message] = smtp_server.offered
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(message)}).status_code == 200


def test_beat_sweeps_the_outbox_every_five_seconds(alice: User, smtp_server: ScriptedServer) -> None:
    outbox.welcome(alice)
    entry = app.conf.beat_schedule["deliver-waiting-emails"]
    app.loader.import_default_modules()

    app.tasks[entry["task"]].apply()

    assert entry["schedule"] == 5
    assert _states() == [EmailState.SENT]


def test_a_row_that_cannot_be_sent_does_not_delay_the_next(alice: User, bob: User, smtp_server: ScriptedServer) -> None:
    outbox.welcome(alice)
    OutboxEmail.objects.update(kind="no such kind")
    outbox.welcome(bob)

    assert deliver_due() == 2

    assert [message.to for message in smtp_server.offered] == [["bob@example.com"]]
    assert _states() == [EmailState.QUEUED, EmailState.SENT]


def test_a_row_claimed_by_a_killed_worker_is_claimed_again_after_the_timeout(
    alice: User, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    outbox.welcome(alice)
    assert delivery._claim() is not None

    assert deliver_due() == 0
    clock.shift(settings.EMAIL_CLAIM_TIMEOUT)
    assert deliver_due() == 1

    assert _states() == [EmailState.SENT]


def test_only_one_of_two_workers_claims_a_row(
    alice: User, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.welcome(alice)
    delivery._claim()
    clock.shift(settings.EMAIL_CLAIM_TIMEOUT)  # the worker that claimed the row was killed
    first, winners = QuerySet.first, []

    def read_then_lose_the_race(rows: "QuerySet[OutboxEmail]") -> OutboxEmail | None:
        row = first(rows)
        monkeypatch.setattr(QuerySet, "first", first)
        winners.append(delivery._claim())
        return row

    monkeypatch.setattr(QuerySet, "first", read_then_lose_the_race)

    assert delivery._claim() is None
    assert winners[0] is not None
    assert OutboxEmail.objects.get().attempts == 2


def test_a_late_retry_does_not_invalidate_a_code_requested_after_it(
    api: ApiClient, smtp_server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    smtp_server.responses = [("DATA", "451 later")]
    api.post("/forgot-password", {"email": "unknown@example.com"})
    User.objects.create_user("eve", "eve@example.com", PASSWORD)
    for _ in range(2):
        api.post("/forgot-password", {"email": EVE["email"]})
        deliver_due()
        clock.shift(1)
    clock.shift(600)
    deliver_due()

    assert len(smtp_server.offered) == 2
    token = token_in(smtp_server.offered[-1])
    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 200
