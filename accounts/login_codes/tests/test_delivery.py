"""The worker issues the code: it works however late the email is, a retry carries the same one, and none is stored."""

from datetime import timedelta

import pytest
from django.core.serializers import serialize
from django_redis import get_redis_connection
from time_machine import Traveller

from accounts.login_codes.tests.requests import ALICE, Outbox, emailed, login_token, outcome, verify
from accounts.mail.delivery import deliver_due
from accounts.mail.tests.conftest import listener, smtp_server
from accounts.mail.tests.scripted_smtp import ScriptedServer
from accounts.models import AttemptCounter, AuditEvent, OutboxEmail, User, VerificationCode
from accounts.services import cleanup
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in, token_in
from core.redis.client import breaker

__all__ = ["listener", "smtp_server"]  # fixtures


@pytest.mark.parametrize("hours", [2, 48])
def test_the_code_of_a_late_email_works_for_the_time_that_the_email_states(
    alice: User, outbox: Outbox, clock: Traveller, hours: int
) -> None:
    token = login_token()
    clock.shift(timedelta(hours=hours))
    message = outbox()[-1]
    clock.shift(timedelta(minutes=9))

    assert outcome(verify(loginToken=token, code=code_in(message))) == (200, "ok")
    assert len(outbox()) == 1


def test_a_retried_email_carries_the_same_code_which_works(
    alice: User, smtp_server: ScriptedServer, clock: Traveller
) -> None:
    smtp_server.responses = [("DATA", "421 busy")]
    token = login_token()
    for _ in range(2):
        deliver_due()
        clock.shift(timedelta(minutes=9))

    first, last = smtp_server.offered
    assert (code_in(first), token_in(first)) == (code_in(last), token_in(last))
    assert outcome(verify(loginToken=token, code=code_in(last))) == (200, "ok")


def test_emails_sent_in_another_order_carry_codes_that_all_work(alice: User, outbox: Outbox, clock: Traveller) -> None:
    tokens = [login_token() for _ in range(2)]
    first = OutboxEmail.objects.order_by("created_at")[0]
    OutboxEmail.objects.filter(id=first.id).update(due_at=first.due_at + timedelta(seconds=30))
    later_code = code_in(outbox()[-1])
    clock.shift(timedelta(minutes=1))
    earlier_code = code_in(outbox()[-1])

    assert outcome(verify(loginToken=tokens[0], code=earlier_code)) == (200, "ok")
    assert outcome(verify(loginToken=tokens[1], code=later_code)) == (200, "ok")


def test_no_code_or_token_is_stored_or_logged(
    alice: User, outbox: Outbox, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = emailed(outbox)
    verify(loginToken=sent.login_token, code=sent.wrong_code)

    models = (User, OutboxEmail, VerificationCode, AttemptCounter, AuditEvent)
    stored = "".join(serialize("json", model._default_manager.all()) for model in models)
    redis = get_redis_connection("default")
    stored += "".join(f"{key}{redis.dump(key)}" for key in redis.keys("*"))
    written = caplog.text + "".join(capsys.readouterr())
    for secret in (f'"{sent.code}"', sent.token, sent.login_token, sent.token.partition(".")[2]):
        assert secret not in stored
        assert secret not in written


def test_without_redis_the_limits_hold_and_codes_work(alice: User, outbox: Outbox) -> None:
    for _ in range(50):
        breaker.record_failure()

    sent = emailed(outbox)
    results = [outcome(verify(loginToken=sent.login_token, code=sent.wrong_code)) for _ in range(5)]

    assert results == [(400, "code_invalid")] * 5
    assert outcome(verify(loginToken=sent.login_token, code=sent.code)) == (429, "too_many_attempts")
    assert outcome(verify(loginToken=sent.login_token, token=sent.token)) == (200, "ok")


def test_a_sent_email_belongs_to_its_user_in_export_and_deletion(alice: User, outbox: Outbox) -> None:
    sent = emailed(outbox)
    token = verify(loginToken=sent.login_token, code=sent.code).json()["data"]["token"]
    client = ApiClient().bearing(token)

    kinds = [email["kind"] for email in client.get("/me/export").json()["data"]["emails"]]
    assert "login_code" in kinds
    assert client.delete("/me", {"password": PASSWORD}).status_code == 200
    assert not OutboxEmail.objects.filter(recipient=ALICE, kind="login_code").exists()
    assert not VerificationCode.objects.exists()


def test_expired_codes_and_counters_are_deleted(alice: User, outbox: Outbox, clock: Traveller) -> None:
    sent = emailed(outbox)
    verify(loginToken=sent.login_token, code=sent.wrong_code)
    clock.shift(timedelta(days=2))

    cleanup.delete_expired()

    assert not VerificationCode.objects.exists()
    assert not AttemptCounter.objects.exists()
