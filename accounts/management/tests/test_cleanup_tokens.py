"""`manage.py cleanup_tokens` deletes expired rows, and none that are still needed."""

import pty
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from time_machine import Traveller

from accounts.mail import outbox as outbox_service
from accounts.mfa.models import TotpFactor
from accounts.models import EmailState, OutboxEmail, PendingLogin, User, VerificationCode
from accounts.services import cleanup
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.emails import token_in
from accounts.testing.second_factor import UserWithTotp
from config.celery import app
from sessions_tracking.models import Session


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("cleanup_tokens", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def no_history(settings: Settings) -> None:
    """Ended rows are deleted by the next run; tests of the retention set another time."""
    settings.HISTORY_RETENTION = timedelta(0)


def test_it_deletes_ended_sessions_and_keeps_active_ones(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    ended, live = sign_in(alice), sign_in(alice)
    ended.client.post("/logout")

    assert "sessions: 1 deleted" in _run()

    assert [str(session.id) for session in Session.objects.all()] == [live.session_id]
    assert live.client.get("/me").status_code == 200
    assert ended.client.get("/me").json()["code"] == "session_revoked"


def test_it_deletes_expired_sessions(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    sign_in(alice)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    _run()

    assert not Session.objects.exists()


def test_it_deletes_only_accounts_not_verified_in_time(alice: User, bob: User) -> None:
    User.objects.update(created_at=timezone.now() - timedelta(days=8))

    assert "unverified accounts: 1 deleted" in _run()

    assert list(User.objects.all()) == [alice]


def test_without_email_verification_it_deletes_no_account(bob: User, settings: Settings) -> None:
    settings.EMAIL_VERIFICATION = "none"
    User.objects.update(created_at=timezone.now() - timedelta(days=8))

    assert "unverified accounts" not in _run("--dry-run") + _run()

    assert User.objects.filter(id=bob.id).exists()


def test_it_keeps_an_account_that_still_has_time_to_verify(bob: User) -> None:
    _run()

    assert User.objects.filter(id=bob.id).exists()


def test_it_deletes_sent_emails_and_keeps_waiting_and_failed_ones(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    for state in (EmailState.SENT, EmailState.FAILED, EmailState.QUEUED):
        api.post("/forgot-password", {"email": alice.email})
        OutboxEmail.objects.filter(state=EmailState.QUEUED).update(state=state)

    _run()

    assert set(OutboxEmail.objects.values_list("state", flat=True)) == {EmailState.FAILED, EmailState.QUEUED}


def test_it_keeps_a_sent_email_that_supersedes_a_waiting_one(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    """Otherwise the older one would be sent after the cleanup, and its link would replace the newer one."""
    api.post("/forgot-password", {"email": alice.email})
    later = timezone.now() + timedelta(hours=1)
    OutboxEmail.objects.update(due_at=later)
    api.post("/forgot-password", {"email": alice.email})
    [message] = outbox()

    _run()
    OutboxEmail.objects.filter(due_at=later).update(due_at=timezone.now())

    assert outbox() == [message]
    reset = {"token": token_in(message), "newPassword": "Another-Horse-8"}
    assert api.post("/reset-password", reset).status_code == 200


def test_it_keeps_a_failed_email_for_a_month(alice: User) -> None:
    for days in (29, 31):
        outbox_service.welcome(alice)
        failed = {"state": EmailState.FAILED, "created_at": timezone.now() - timedelta(days=days)}
        OutboxEmail.objects.filter(state=EmailState.QUEUED).update(**failed)

    assert "emails: 1 deleted" in _run()

    assert OutboxEmail.objects.get().created_at > timezone.now() - timedelta(days=30)


def test_a_link_works_after_its_email_is_deleted(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    [message] = outbox()

    assert "emails: 1 deleted" in _run()

    reset = {"token": token_in(message), "newPassword": "Another-Horse-8"}
    assert api.post("/reset-password", reset).status_code == 200


def test_it_deletes_a_used_reset_link(api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]) -> None:
    api.post("/forgot-password", {"email": alice.email})
    reset = {"token": token_in(outbox()[0]), "newPassword": "Another-Horse-8"}
    api.post("/reset-password", reset)

    assert "verification codes: 1 deleted" in _run()

    assert api.post("/reset-password", reset).json()["code"] == "token_invalid"


def test_it_deletes_the_emails_and_codes_of_an_unverified_account(
    api: ApiClient, bob: User, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    for user in (alice, bob):
        outbox_service.first_verification(user)
        api.post("/forgot-password", {"email": user.email})
    outbox()
    User.objects.filter(id=bob.id).update(created_at=timezone.now() - timedelta(days=8))
    outbox_service.first_verification(bob)

    _run()

    assert not User.objects.filter(id=bob.id).exists()
    assert not OutboxEmail.objects.filter(user_id=bob.id).exists()
    assert set(VerificationCode.objects.values_list("user_id", flat=True)) == {alice.id}


def test_it_deletes_invalidated_codes_and_keeps_a_valid_link(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    for _ in range(2):
        api.post("/forgot-password", {"email": alice.email})
        outbox()

    _run()

    assert VerificationCode.objects.count() == 1


def test_a_dry_run_counts_and_deletes_nothing(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    sign_in(alice).client.post("/logout")

    assert "sessions: 1 to delete" in _run("--dry-run")

    assert Session.objects.count() == 1


def test_a_batch_needs_as_many_statements_as_one_row(
    alice: User, sign_in: Callable[..., SignedIn], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(9):
        sign_in(alice).client.post("/logout")
    rows = Session.objects.filter(revoked_at__isnull=False)

    # One that chooses and deletes; or a savepoint, the choice, the deletion, the savepoint's release.
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 4):
        assert cleanup._delete_batch(rows)[1] == 9


def test_a_terminal_shows_progress_and_a_log_does_not(
    alice: User, sign_in: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        sign_in(alice).client.post("/logout")
    monkeypatch.setattr(cleanup, "BATCH", 2)
    reader, writer = pty.openpty()
    with open(writer, "w") as terminal, open(reader, "rb", buffering=0) as screen:  # noqa: PTH123 - these are no paths
        call_command("cleanup_tokens", stdout=terminal)
        terminal.flush()
        seen = ""
        while "unverified accounts: 0 deleted" not in seen:
            seen += screen.read(4096).decode()

    assert re.search(r"\[#{15} {15}\]  50%  2 of 4  sessions\s*\r\[#{30}\] 100%  4 of 4  sessions\s*\r", seen)
    assert "sessions: 4 deleted" in seen
    assert "%" not in _run()


def test_beat_runs_it_once_a_day(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    sign_in(alice).client.post("/logout")
    entry = app.conf.beat_schedule["cleanup-expired"]
    app.loader.import_default_modules()

    assert timedelta() < entry["schedule"].remaining_estimate(timezone.now()) <= timedelta(days=1)
    app.tasks[entry["task"]].apply()

    assert not Session.objects.exists()


def test_it_works_in_batches(alice: User, sign_in: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        sign_in(alice).client.post("/logout")
    batches: list[int] = []
    monkeypatch.setattr(cleanup, "BATCH", 2)

    removed = cleanup.delete_expired(report=lambda name, count: batches.append(count) if name == "sessions" else None)

    assert removed["sessions"] == 5
    assert batches == [2, 2, 1]


def test_it_deletes_expired_pending_logins(alice_with_totp: UserWithTotp, clock: Traveller) -> None:
    alice_with_totp.pending()
    clock.shift(299)
    assert "pending logins" in _run()
    assert PendingLogin.objects.exists()

    clock.shift(2)
    _run()

    assert not PendingLogin.objects.exists()
    assert TotpFactor.objects.filter(user=alice_with_totp.user).exists()
