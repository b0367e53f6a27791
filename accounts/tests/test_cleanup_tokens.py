"""`manage.py cleanup_tokens` removes what is over, and nothing that anybody still needs."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.utils import timezone

from accounts.models import EmailState, OneTimeSecret, OutboxEmail, User
from accounts.services import cleanup
from conftest import ApiClient, SignedIn
from sessions_tracking.models import Session


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("cleanup_tokens", *arguments, stdout=out)
    return out.getvalue()


def test_it_removes_ended_sessions_and_keeps_live_ones(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    ended, live = sign_in(alice), sign_in(alice)
    ended.client.post("/logout")

    assert "sessions: 1 removed" in _run()

    assert [str(session.id) for session in Session.objects.all()] == [live.session_id]
    assert live.client.get("/me").status_code == 200
    assert ended.client.get("/me").json()["code"] == "session_revoked"


def test_it_removes_sessions_past_their_time(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    sign_in(alice)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    _run()

    assert not Session.objects.exists()


def test_it_removes_accounts_never_verified_in_time_and_nobody_else(alice: User, bob: User) -> None:
    User.objects.update(created_at=timezone.now() - timedelta(days=8))

    assert "unverified accounts: 1 removed" in _run()

    assert list(User.objects.all()) == [alice]


def test_it_keeps_an_account_that_still_has_time_to_verify(bob: User) -> None:
    _run()

    assert User.objects.filter(id=bob.id).exists()


def test_it_removes_sent_emails_and_keeps_waiting_and_failed_ones(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    for state in (EmailState.SENT, EmailState.FAILED, EmailState.QUEUED):
        api.post("/forgot-password", {"email": alice.email})
        OutboxEmail.objects.filter(state=EmailState.QUEUED).update(state=state)

    _run()

    assert set(OutboxEmail.objects.values_list("state", flat=True)) == {EmailState.FAILED, EmailState.QUEUED}


def test_it_removes_spent_secrets_and_leaves_a_link_that_works(
    api: ApiClient, alice: User, outbox: Callable[[], list[EmailMessage]]
) -> None:
    for _ in range(2):
        api.post("/forgot-password", {"email": alice.email})
        outbox()

    _run()

    assert OneTimeSecret.objects.count() == 1


def test_a_dry_run_says_what_it_would_remove_and_removes_nothing(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    sign_in(alice).client.post("/logout")

    assert "sessions: 1 to remove" in _run("--dry-run")

    assert Session.objects.count() == 1


def test_it_works_in_batches(alice: User, sign_in: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        sign_in(alice).client.post("/logout")
    batches: list[int] = []
    monkeypatch.setattr(cleanup, "BATCH", 2)

    removed = cleanup.remove_over(report=lambda name, count: batches.append(count) if name == "sessions" else None)

    assert removed["sessions"] == 5
    assert batches == [2, 2, 1]
