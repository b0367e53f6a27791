"""The outbox: an email is queued in the transaction of its cause, carries a secret only when it is sent, and is sent once."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage
from django.core.serializers import serialize
from django.db import transaction
from django.db.models import Model
from django_redis import get_redis_connection

from accounts.mail import outbox as mail_outbox
from accounts.mail.delivery import deliver_due
from accounts.mail.tests.scripted_smtp import ScriptedServer
from accounts.models import AttemptCounter, EmailState, OutboxEmail, User, VerificationCode
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in, token_in
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]

LOGGERS = ("accounts", "sessions_tracking", "config", "core", "django")
EVE = {"email": "eve@example.com", "username": "eve", "password": PASSWORD}

pytestmark = pytest.mark.django_db


def _states() -> list[str]:
    return list(OutboxEmail.objects.order_by("id").values_list("state", flat=True))


def _everything_stored(*models: type[Model]) -> str:
    redis = get_redis_connection("default")
    cached = "".join(str(redis.get(key)) for key in redis.keys("*"))
    return cached + "".join(serialize("json", model._default_manager.all()) for model in models)


def test_registration_queues_one_email_that_is_sent_once(api: ApiClient, smtp_server: ScriptedServer) -> None:
    api.post("/register", EVE)
    assert _states() == [EmailState.QUEUED]
    assert not smtp_server.offered

    assert [deliver_due(), deliver_due()] == [1, 0]

    assert len(smtp_server.offered) == 1
    assert _states() == [EmailState.SENT]
    assert OutboxEmail.objects.get().sent_at is not None


def test_a_rolled_back_registration_leaves_no_email(api: ApiClient, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    first_verification = mail_outbox.first_verification

    def write_then_fail(user: User) -> None:
        first_verification(user)
        raise RuntimeError("power failure")

    monkeypatch.setattr(mail_outbox, "first_verification", write_then_fail)
    with pytest.raises(RuntimeError):
        api.post("/register", EVE)

    assert not User.objects.exists()
    assert not OutboxEmail.objects.exists()


def test_an_email_is_rolled_back_with_the_outer_transaction(alice: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        mail_outbox.welcome(alice)
        raise RuntimeError

    assert not OutboxEmail.objects.exists()


def test_a_reset_for_an_unknown_email_is_discarded(api: ApiClient, smtp_server: ScriptedServer) -> None:
    api.post("/forgot-password", {"email": "unknown@example.com"})

    assert deliver_due() == 1

    assert not smtp_server.offered
    assert not OutboxEmail.objects.exists()
    assert not VerificationCode.objects.exists()


def test_an_email_to_a_deactivated_user_is_not_sent(alice: User, smtp_server: ScriptedServer) -> None:
    mail_outbox.welcome(alice)
    User.objects.update(is_active=False)

    deliver_due()

    assert not smtp_server.offered


def test_no_code_token_or_password_is_stored_anywhere(api: ApiClient, alice: User, outbox: Outbox) -> None:
    api.post("/register", EVE)
    api.post("/forgot-password", {"email": "alice@example.com"})
    verification, reset = outbox()
    login = api.post("/login", {"username": "alice", "password": PASSWORD}).json()["data"]
    api.get("/me")

    stored = _everything_stored(User, OutboxEmail, VerificationCode, AttemptCounter, Session)
    secrets = [token_in(verification), token_in(reset), login["token"], login["tokens"]["refreshToken"], PASSWORD]
    assert [secret for secret in secrets if secret in stored] == []
    assert f'"{code_in(verification)}"' not in stored


def test_no_secret_is_logged(api: ApiClient, smtp_server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    smtp_server.responses = [("DATA", "554 refused")]
    api.post("/register", EVE)
    deliver_due()

    [offered] = smtp_server.offered
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(LOGGERS))
    assert "SMTPDataError 554" in logged
    for secret in (code_in(offered), token_in(offered), PASSWORD, EVE["email"]):
        assert secret not in logged


def test_a_message_is_marked_as_automatic_and_has_text_and_html(alice: User, smtp_server: ScriptedServer) -> None:
    mail_outbox.welcome(alice)
    deliver_due()

    [message] = smtp_server.offered
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["Message-ID"] == f"<{OutboxEmail.objects.get().id}@localhost>"
    assert message.extra_headers["Content-Type"].startswith("multipart/alternative")
    assert OutboxEmail.objects.get().kind == "welcome"
