"""Ended sessions and sent emails are kept for support: kind, state and times, but no data, content, code or link."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.core.serializers import serialize
from django.db.models import Q
from django.utils import timezone
from pytest_django import Settings

from accounts import tasks
from accounts.mail import outbox as outbox_emails
from accounts.models import EmailState, OutboxEmail, PendingLogin, User, VerificationCode
from accounts.services import cleanup, passwords
from accounts.services.administration import users
from accounts.services.cleanup_rules import SESSION_DATA
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import token_in
from accounts.testing.second_factor import enrol
from core.observability import heartbeat
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason, Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

DATA = {"secret": "x" * 8000}
CLIENT = ClientInfo(
    ip="192.0.2.7", user_agent="", device="Desktop", browser="Firefox", os="Linux", platform="Linux", location="Unknown"
)


def _end_session(name: str, signed_in: SignedIn, sign_in: SignIn) -> None:
    client, session_id = signed_in.client, Session.objects.get(id=signed_in.session_id).id
    causes: dict[str, Callable[[], Any]] = {
        "logout": lambda: client.post("/logout"),
        "logout everywhere": lambda: client.post("/logout-all"),
        "deletion of the session": lambda: client.delete(f"/sessions/{session_id}"),
        "theft": lambda: sessions.revoke(session_id=session_id, reason=RevokedReason.REFRESH_REUSED),
        "session limit": lambda: [sign_in(signed_in.user) for _ in range(2)],
        "password change": lambda: passwords.change(
            user_id=signed_in.user.id,
            principal=None,
            current_password=PASSWORD,
            new_password="Another-Horse-8",
            client=CLIENT,
        ),
        "deactivation": lambda: users.update(
            actor_id=User.objects.get(username="carol").id,
            user_id=signed_in.user.id,
            changes={"is_active": False},
        ),
    }
    causes[name]()


@pytest.mark.parametrize(
    "cause",
    [
        "logout",
        "logout everywhere",
        "deletion of the session",
        "theft",
        "session limit",
        "password change",
        "deactivation",
    ],
)
def test_the_data_of_a_session_is_deleted_when_it_ends(
    alice: User, admin: User, sign_in: SignIn, settings: Settings, cause: str
) -> None:
    settings.MAX_SESSIONS_PER_USER = 2
    signed_in = sign_in(alice, data=DATA)

    _end_session(cause, signed_in, sign_in)

    row = Session.objects.get(id=signed_in.session_id)
    assert row.revoked_at is not None
    assert row.data == {}
    assert not Session.objects.filter(Q(revoked_at__isnull=False) & ~Q(data={})).exists()


def test_a_cancelled_pending_login_keeps_no_data(alice: User, sign_in: SignIn) -> None:
    enrolled = enrol(sign_in(alice))
    ApiClient().post("/logout", {"mfaToken": enrolled.pending(data=DATA)})

    assert PendingLogin.objects.get(ended_at__isnull=False).session_options == {}


def test_only_active_sessions_keep_data_after_sixty_logins(alice: User, sign_in: SignIn, settings: Settings) -> None:
    settings.MAX_SESSIONS_PER_USER = 5
    for _ in range(60):
        sign_in(alice, data=DATA)

    assert Session.objects.count() == 60
    assert Session.objects.exclude(data={}).count() == 5


def test_cleanup_deletes_the_data_of_an_expired_session_and_keeps_its_row(alice: User, sign_in: SignIn) -> None:
    sign_in(alice, data=DATA)
    active = sign_in(alice, data=DATA)
    Session.objects.exclude(id=active.session_id).update(expires_at=timezone.now() - timedelta(seconds=1))

    removed = cleanup.delete_expired()

    assert (removed[SESSION_DATA], removed["sessions"]) == (1, 0)
    assert list(Session.objects.exclude(data={})) == [Session.objects.get(id=active.session_id)]


@pytest.mark.parametrize(("days", "is_kept"), [(29, True), (31, False)])
def test_ended_sessions_and_sent_emails_are_kept_for_thirty_days(
    alice: User, sign_in: SignIn, outbox: Outbox, days: int, is_kept: bool
) -> None:
    sign_in(alice).client.post("/logout")
    outbox_emails.welcome(alice)
    outbox()
    past = timezone.now() - timedelta(days=days)
    Session.objects.update(revoked_at=past, expires_at=past + timedelta(days=7))
    OutboxEmail.objects.update(created_at=past)

    cleanup.delete_expired()

    assert (Session.objects.exists(), OutboxEmail.objects.exists()) == (is_kept, is_kept)


def test_a_sent_email_keeps_no_content(api: ApiClient, alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    signed_in = sign_in(alice)
    signed_in.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    api.post("/forgot-password", {"email": "alice@example.com"})
    passwords.change(
        user_id=alice.id, principal=None, current_password=PASSWORD, new_password="Another-Horse-8", client=CLIENT
    )
    outbox()

    assert OutboxEmail.objects.filter(state=EmailState.CANCELLED).exists()
    assert not OutboxEmail.objects.exclude(context={}).exists()
    assert "alice@example.org" not in serialize("json", OutboxEmail.objects.exclude(kind="email_change_code"))


def test_no_email_address_of_a_deleted_account_is_kept(
    api: ApiClient, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    api.post("/forgot-password", {"email": "alice@example.com"})
    outbox()

    sign_in(alice).client.delete("/me", {"password": PASSWORD})

    outbox()
    email = OutboxEmail.objects.get()
    assert (email.kind, email.state, email.recipient, email.context) == ("account_deleted", EmailState.SENT, "", {})


def test_an_invitation_and_its_account_last_seven_days(
    api: ApiClient, admin: User, sign_in: SignIn, outbox: Outbox
) -> None:
    sign_in(admin).client.post("/users", {"email": "eve@example.com", "username": "eve"})
    [message] = [message for message in outbox() if message.to == ["eve@example.com"]]
    User.objects.filter(username="eve").update(created_at=timezone.now() - timedelta(days=8))
    lifetime = VerificationCode.objects.get().token_expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < lifetime <= timedelta(days=7)
    assert "7 days" in str(message.body)

    cleanup.delete_expired()

    reset = {"token": token_in(message), "newPassword": "Another-Horse-8"}
    assert api.post("/reset-password", reset).status_code == 200


def test_a_password_reset_is_valid_for_an_hour(api: ApiClient, alice: User, outbox: Outbox) -> None:
    api.post("/forgot-password", {"email": "alice@example.com"})
    outbox()

    assert VerificationCode.objects.get().token_expires_at - timezone.now() <= timedelta(hours=1)


def _schedule(scheduled: list[float]) -> Callable[..., None]:
    def apply_async(*, countdown: float) -> None:
        scheduled.append(countdown)

    return apply_async


@pytest.fixture
def nine_old_sessions(alice: User, sign_in: SignIn, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HISTORY_RETENTION = timedelta(0)
    monkeypatch.setattr(cleanup, "BATCH", 2)
    for _ in range(9):
        sign_in(alice).client.post("/logout")


def test_an_interrupted_cleanup_is_logged_and_schedules_the_rest(
    nine_old_sessions: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scheduled: list[float] = []
    monkeypatch.setattr(tasks.cleanup_tokens, "apply_async", _schedule(scheduled))
    monkeypatch.setattr(tasks, "CLEANUP_SECONDS", 0.0)

    assert tasks.cleanup_tokens() == {"sessions": 2}

    assert scheduled == [10.0]
    assert "the cleanup stopped early" in caplog.text
    assert Session.objects.count() == 7
    assert heartbeat.cleanup_age() is None
    monkeypatch.setattr(tasks, "CLEANUP_SECONDS", 60.0)
    assert tasks.cleanup_tokens()["sessions"] == 7
    assert heartbeat.cleanup_age() == 0


def test_a_cleanup_interrupted_by_celery_schedules_the_rest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def hang(**_: object) -> None:
        raise SoftTimeLimitExceeded

    scheduled: list[float] = []
    monkeypatch.setattr(cleanup, "delete_expired", hang)
    monkeypatch.setattr(tasks.cleanup_tokens, "apply_async", _schedule(scheduled))

    assert tasks.cleanup_tokens() == {}

    assert scheduled == [10.0]
    assert "the cleanup stopped early" in caplog.text


def test_an_interrupted_cleanup_command_reports_its_deletions_and_fails(nine_old_sessions: None) -> None:
    out = StringIO()

    with pytest.raises(CommandError, match="Run the command again"):
        call_command("cleanup_tokens", "--max-seconds", "0", stdout=out)

    assert out.getvalue() == "sessions: 2 deleted\n"


def test_the_cleanup_stops_before_the_time_limits_of_its_task() -> None:
    task = tasks.cleanup_tokens

    assert task.soft_time_limit is not None
    assert task.time_limit is not None
    assert tasks.CLEANUP_SECONDS < task.soft_time_limit < task.time_limit


def test_a_pending_email_keeps_its_content(alice: User) -> None:
    outbox_emails.password_changed(alice, CLIENT)

    assert OutboxEmail.objects.get().context["happened_at"]
