"""The outbox: an email is promised with the data it speaks of, carries a secret only when sent, and goes out once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.serializers import serialize
from django.db import transaction
from django.db.models import Model, QuerySet
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.mail import delivery
from accounts.mail import outbox as promises
from accounts.mail.delivery import MIN_ATTEMPTS, RETRY_FOR, deliver_due
from accounts.models import AttemptCounter, EmailState, OutboxEmail, User, VerificationCode
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in, token_in
from config.celery import app
from core.web_server.bind_address import free_port
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]

OURS = ("accounts", "sessions_tracking", "config", "core", "django")
EVE = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}

pytestmark = pytest.mark.django_db


class ScriptedServer:
    """A real SMTP server that says what it is told to: `answers`, first to last (a word of SMTP and a reply), then yes."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []
        self.offered: list[EmailMessage] = []

    def _reply(self, word: str) -> str | None:
        return self.answers.pop(0)[1] if self.answers and self.answers[0][0] == word else None

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.mail_from = address
        return self._reply("MAIL") or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        envelope.rcpt_tos.append(address)
        return self._reply("RCPT") or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.offered.append(_read(envelope))
        return self._reply("DATA") or "250 OK"


def _read(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    parsed = message_from_bytes(envelope.content, policy=default)
    plain, headers = parsed.get_body(("plain",)), {name: str(value) for name, value in parsed.items()}
    assert plain is not None
    return EmailMessage(headers["Subject"], plain.get_content(), to=envelope.rcpt_tos, headers=headers)


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[ScriptedServer, int]]:
    port = free_port()
    mail_server = ScriptedServer()
    controller = Controller(mail_server, hostname="127.0.0.1", port=port)
    controller.start()
    yield mail_server, port
    controller.stop()


@pytest.fixture
def server(listener: tuple[ScriptedServer, int], settings: Settings) -> ScriptedServer:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    mail_server, settings.EMAIL_PORT = listener
    settings.EMAIL_HOST = "127.0.0.1"
    mail_server.answers, mail_server.offered = [], []
    return mail_server


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield traveller


def _states() -> list[str]:
    return list(OutboxEmail.objects.order_by("id").values_list("state", flat=True))


def _everything_stored(*models: type[Model]) -> str:
    redis = get_redis_connection("default")
    kept = "".join(str(redis.get(key)) for key in redis.keys("*"))
    return kept + "".join(serialize("json", model._default_manager.all()) for model in models)


def test_a_letter_is_promised_with_the_account_and_sent_once(api: ApiClient, server: ScriptedServer) -> None:
    api.post("/register", EVE)
    assert _states() == [EmailState.QUEUED]
    assert not server.offered

    assert [deliver_due(), deliver_due()] == [1, 0]

    assert len(server.offered) == 1
    assert _states() == [EmailState.SENT]
    assert OutboxEmail.objects.get().sent_at is not None


def test_an_account_that_was_rolled_back_leaves_no_letter(
    api: ApiClient, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = promises.first_verification

    def write_then_fail(user: User) -> None:
        written(user)
        raise RuntimeError("the power went")

    monkeypatch.setattr(promises, "first_verification", write_then_fail)
    with pytest.raises(RuntimeError):
        api.post("/register", EVE)

    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()


def test_a_letter_of_an_outer_transaction_goes_down_with_it(alice: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        promises.welcome(alice)
        raise RuntimeError

    assert not OutboxEmail.objects.exists()


def test_a_retry_carries_the_same_code_link_and_message_id(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    server.answers = [("DATA", "421 busy"), ("RCPT", "451 later")]
    api.post("/register", EVE)
    for _ in range(3):
        deliver_due()
        clock.shift(3600)

    first, last = server.offered
    assert code_in(first) == code_in(last)
    assert token_in(first) == token_in(last)
    assert first.extra_headers["Message-ID"] == last.extra_headers["Message-ID"]
    assert OutboxEmail.objects.get().attempts == 3


def test_the_code_of_a_late_retry_still_works(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    server.answers = [("RCPT", "451 later")]
    api.post("/register", EVE)
    deliver_due()
    clock.shift(3600)
    deliver_due()

    clock.shift(14 * 60)
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(server.offered[-1])}).status_code == 200


def test_the_first_copy_of_a_letter_that_was_sent_twice_works_too(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    server.answers = [("DATA", "451 taken, and yet refused")]
    api.post("/register", EVE)
    deliver_due()
    clock.shift(60)
    deliver_due()

    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(server.offered[0])}).status_code == 200


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (("RCPT", "550 no mailbox for eve@example.com"), "SMTPRecipientsRefused 550"),
        (("DATA", "554 spam, says the code 123456"), "SMTPDataError 554"),
    ],
)
def test_what_a_server_refuses_for_good_is_failed_with_a_reason(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller, answer: tuple[str, str], reason: str
) -> None:
    server.answers = [answer]
    api.post("/register", EVE)
    deliver_due()
    clock.shift(24 * 3600)

    assert deliver_due() == 0

    email = OutboxEmail.objects.get()
    assert (email.state, email.attempts, email.error) == (EmailState.FAILED, 1, reason)


@pytest.mark.parametrize(
    "answer",
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
def test_what_may_pass_is_tried_again_after_a_pause(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller, answer: tuple[str, str]
) -> None:
    server.answers = [answer]
    api.post("/register", EVE)
    assert deliver_due() == 1
    assert deliver_due() == 0
    assert OutboxEmail.objects.get().error.startswith("SMTP")

    clock.shift(10)
    assert deliver_due() == 1

    assert _states() == [EmailState.SENT]
    assert OutboxEmail.objects.get().error == ""


def test_a_server_that_is_away_is_asked_again_later(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller, settings: Settings
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    api.post("/register", EVE)
    deliver_due()
    assert (_states(), OutboxEmail.objects.get().error) == ([EmailState.QUEUED], "ConnectionRefusedError")

    settings.EMAIL_PORT = port
    clock.shift(10)
    deliver_due()

    assert len(server.offered) == 1


def test_pauses_grow_and_there_is_an_end_to_trying(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    server.answers = [("DATA", "451 later")] * 99
    api.post("/register", EVE)
    started, pauses = datetime.now(UTC), []
    while OutboxEmail.objects.get().state != EmailState.FAILED:
        assert deliver_due() == 1
        pauses.append(OutboxEmail.objects.get().due_at - datetime.now(UTC))
        clock.shift(pauses[-1])

    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert max(pauses) == timedelta(hours=2)
    assert timedelta(0) <= datetime.now(UTC) - started - RETRY_FOR <= timedelta(hours=4)


def test_what_waited_for_days_for_a_worker_is_not_given_up_at_the_first_refusal(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    server.answers = [("RCPT", "450 greylisted")] * (MIN_ATTEMPTS - 1)
    api.post("/register", EVE)
    clock.shift(RETRY_FOR + timedelta(days=1))

    for _ in range(MIN_ATTEMPTS):
        deliver_due()
        clock.shift(timedelta(hours=2))
    clock.shift(timedelta(hours=-2))

    [message] = server.offered
    assert api.post("/verify-email", {"email": EVE["email"], "code": code_in(message)}).status_code == 200


def test_beat_sweeps_the_outbox_every_five_seconds(alice: User, server: ScriptedServer) -> None:
    promises.welcome(alice)
    entry = app.conf.beat_schedule["deliver-waiting-emails"]
    app.loader.import_default_modules()

    app.tasks[entry["task"]].apply()

    assert entry["schedule"] == 5
    assert _states() == [EmailState.SENT]


def test_a_row_that_cannot_be_sent_does_not_hold_up_the_next(alice: User, bob: User, server: ScriptedServer) -> None:
    promises.welcome(alice)
    OutboxEmail.objects.update(kind="no such kind")
    promises.welcome(bob)

    assert deliver_due() == 2

    assert [message.to for message in server.offered] == [["bob@example.com"]]
    assert _states() == [EmailState.QUEUED, EmailState.SENT]


def test_a_row_whose_worker_died_is_taken_over_after_its_lease(
    alice: User, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    promises.welcome(alice)
    assert delivery._claim() is not None

    assert deliver_due() == 0
    clock.shift(settings.EMAIL_CLAIM_TIMEOUT)
    assert deliver_due() == 1

    assert _states() == [EmailState.SENT]


def test_of_two_workers_that_see_the_same_row_one_gets_it(
    alice: User, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    promises.welcome(alice)
    delivery._claim()
    clock.shift(settings.EMAIL_CLAIM_TIMEOUT)  # whoever claimed it died
    look, winners = QuerySet.first, []

    def look_then_be_overtaken(rows: "QuerySet[OutboxEmail]") -> OutboxEmail | None:
        row = look(rows)
        monkeypatch.setattr(QuerySet, "first", look)
        winners.append(delivery._claim())
        return row

    monkeypatch.setattr(QuerySet, "first", look_then_be_overtaken)

    assert delivery._claim() is None
    assert winners[0] is not None
    assert OutboxEmail.objects.get().attempts == 2


def test_a_reset_for_an_address_that_nobody_has_vanishes_unsent(api: ApiClient, server: ScriptedServer) -> None:
    api.post("/forgot-password", {"email": "unknown@example.com"})

    assert deliver_due() == 1

    assert not server.offered
    assert not OutboxEmail.objects.exists()
    assert not VerificationCode.objects.exists()


def test_a_letter_to_who_was_deactivated_meanwhile_is_not_sent(alice: User, server: ScriptedServer) -> None:
    promises.welcome(alice)
    User.objects.update(is_active=False)

    deliver_due()

    assert not server.offered


def test_a_late_retry_does_not_kill_the_code_that_was_asked_for_after_it(
    api: ApiClient, server: ScriptedServer, clock: time_machine.Traveller
) -> None:
    server.answers = [("DATA", "451 later")]
    api.post("/forgot-password", {"email": "unknown@example.com"})
    User.objects.create_user("eve", "eve@example.com", PASSWORD)
    for _ in range(2):
        api.post("/forgot-password", {"email": EVE["email"]})
        deliver_due()
        clock.shift(1)
    clock.shift(600)
    deliver_due()

    assert len(server.offered) == 2
    token = token_in(server.offered[-1])
    assert api.post("/reset-password", {"token": token, "newPassword": "Another-Horse-8"}).status_code == 200


def test_no_code_token_or_password_is_stored_anywhere(api: ApiClient, alice: User, outbox: Outbox) -> None:
    api.post("/register", EVE)
    api.post("/forgot-password", {"email": "alice@example.com"})
    letter, reset = outbox()
    login = api.post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]
    api.get("/me")

    stored = _everything_stored(User, OutboxEmail, VerificationCode, AttemptCounter, Session)
    secrets = [token_in(letter), token_in(reset), login["token"], login["tokens"]["refreshToken"], PASSWORD]
    assert [secret for secret in secrets if secret in stored] == []
    assert f'"{code_in(letter)}"' not in stored


def test_no_secret_reaches_the_log(api: ApiClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    server.answers = [("DATA", "554 refused")]
    api.post("/register", EVE)
    deliver_due()

    [offered] = server.offered
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(OURS))
    assert "SMTPDataError 554" in ours
    for secret in (code_in(offered), token_in(offered), PASSWORD, EVE["email"]):
        assert secret not in ours


def test_a_message_says_that_a_machine_sent_it_in_both_forms(alice: User, server: ScriptedServer) -> None:
    promises.welcome(alice)
    deliver_due()

    [message] = server.offered
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["Message-ID"] == f"<{OutboxEmail.objects.get().id}@localhost>"
    assert message.extra_headers["Content-Type"].startswith("multipart/alternative")
    assert OutboxEmail.objects.get().kind == "welcome"
