"""The cleanup concurrent with itself and with traffic, and killed midway: expired rows go, others stay, no request waits long."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from accounts.mail import outbox
from accounts.models import OutboxEmail, Purpose, User, VerificationCode
from accounts.services import cleanup, email_verification
from accounts.testing import cast
from accounts.verification import verification_codes
from core.paths import BASE_DIR
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until
from sessions_tracking.models import Session

pytestmark = pytest.mark.faults

Cleanup = subprocess.Popen[str]

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cleanup")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LiveServer]:
    with live_server.running(folder) as running:
        yield running


@pytest.fixture
def user(folder: Path) -> User:
    Session.objects.all().delete()
    return cast.someone()


def test_two_concurrent_cleanups_share_the_work(user: User) -> None:
    _sessions(user, count=5000)
    _sessions(user, count=50, is_expired=False)

    runs = [_start_cleanup() for _ in range(2)]

    assert sum(_deleted_sessions(_finish(run)) for run in runs) == 5000
    assert Session.objects.count() == 50


def test_traffic_during_a_cleanup_is_served_and_keeps_its_sessions(user: User, server: LiveServer) -> None:
    accounts = [cast.someone() for _ in range(3)]
    _sessions(user, count=20_000)
    run = _start_cleanup()

    with ThreadPoolExecutor(len(accounts)) as pool:
        slowest = max(pool.map(lambda account: _use_sessions(server, account, run), accounts))

    assert _deleted_sessions(_finish(run)) >= 20_000
    assert slowest < 1, "per request; the target of 100 ms assumes an otherwise idle machine"
    assert not Session.objects.filter(user=user).exists()
    assert Session.objects.active(datetime.now(UTC)).count() == len(accounts)


def test_a_killed_cleanup_leaves_whole_batches_and_the_next_run_continues(user: User) -> None:
    _sessions(user, count=20_000)
    run = _start_cleanup()
    wait_until(lambda: Session.objects.count() < 20_000)
    run.kill()
    run.communicate()

    remaining = Session.objects.count()
    assert remaining % cleanup.BATCH == 0
    assert cleanup.delete_expired()["sessions"] == remaining


def test_an_account_under_verification_is_skipped_and_kept(user: User) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: the cleanup comes before the verification or after it")
    unverified = cast.someone(verified=False)
    User.objects.filter(id=unverified.id).update(created_at=datetime.now(UTC) - timedelta(days=8))

    _code_for(unverified)
    with transaction.atomic():
        assert verification_codes.consume(VerificationCode.objects.get(user=unverified))
        assert _finish(_start_cleanup()), "the cleanup must not wait for the locked account"
        email_verification.mark_verified(unverified)
        assert _finish(_start_cleanup())

    assert cleanup.delete_expired()["unverified accounts"] == 0
    assert User.objects.get(id=unverified.id).email_verified


def test_a_verification_racing_the_cleanup_succeeds_or_gets_code_invalid(server: LiveServer) -> None:
    """Either the account is verified and kept, or it is deleted and the response is an error; never a mix of both."""
    with ThreadPoolExecutor(1) as pool:
        for delay_ms in range(20):
            account = cast.someone(verified=False)
            request = ApiRequest("POST", "/verify-email", {"email": account.email, "code": _code_for(account)})
            User.objects.filter(id=account.id).update(created_at=datetime.now(UTC) - timedelta(days=8))

            response = pool.submit(server.send, request)
            time.sleep(delay_ms / 1000)
            cleanup.delete_expired()

            outcome = (response.result().code, User.objects.filter(id=account.id).exists())
            assert outcome in {("ok", True), ("code_invalid", False)}


def test_repeated_refreshes_add_no_rows(user: User, server: LiveServer) -> None:
    tokens = cast.signed_in(server, user)
    before = _row_counts()

    for _ in range(200):
        tokens = cast.tokens_of(server.send(cast.refresh(tokens.refresh)))

    assert Session.objects.filter(user=user).count() == 1
    assert _row_counts() == before


def _sessions(user: User, *, count: int, is_expired: bool = True) -> None:
    now = datetime.now(UTC)
    end = LONG_AGO if is_expired else now + timedelta(days=1)
    times = {"created_at": LONG_AGO, "updated_at": LONG_AGO, "last_seen_at": LONG_AGO, "refresh_issued_at": LONG_AGO}
    rows = (Session(user=user, expires_at=end, absolute_expires_at=end, **times) for _ in range(count))
    Session.objects.bulk_create(rows, batch_size=2000)


def _start_cleanup() -> Cleanup:
    command = [sys.executable, "manage.py", "cleanup_tokens"]
    return subprocess.Popen(
        command,
        cwd=BASE_DIR,
        env=live_server.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(run: Cleanup) -> str:
    output, _ = run.communicate(timeout=30)
    assert run.returncode == 0, output
    return output


def _deleted_sessions(output: str) -> int:
    match = re.search(r"^sessions: (\d+) deleted$", output, re.MULTILINE)
    assert match, output
    return int(match[1])


def _use_sessions(server: LiveServer, account: User, run: Cleanup) -> float:
    """Refresh, log in and log out while the cleanup runs; return the seconds of the slowest request."""
    tokens, slowest = cast.signed_in(server, account), 0.0
    while run.poll() is None:
        for request in (cast.refresh(tokens.refresh), cast.me(tokens.access), cast.log_in(account)):
            started = time.monotonic()
            response = server.send(request)
            slowest = max(slowest, time.monotonic() - started)
            assert response.status == 200, response
            if request.path == "/refresh":
                tokens = cast.tokens_of(response)
        server.send(ApiRequest("POST", "/logout", token=cast.tokens_of(response).access))
    return slowest


def _code_for(account: User) -> str:
    """Issue a code as the worker does when it sends the email."""
    outbox.first_verification(account)
    email = OutboxEmail.objects.get(user=account)
    return verification_codes.issue(
        user=account, purpose=Purpose.VERIFY_EMAIL, email=email, token_lifetime=timedelta(hours=1)
    ).code


def _row_counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}
