"""Transactions lock the user's row before the rows of the user's codes, so that they cannot deadlock.

Another connection locks the user's row. While the service waits for that lock, the code rows must still be unlocked.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.identity import email_key
from accounts.models import OutboxEmail, Purpose, User, VerificationCode
from accounts.services import email_verification, passwords, registration
from accounts.services.registration import NewAccount
from accounts.testing.api_client import PASSWORD
from accounts.verification import code_attempts, verification_codes
from core.api.exceptions import ApiError
from sessions_tracking.client_info import ClientInfo

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks"),
]

CLIENT = ClientInfo(ip=None, user_agent="", device="Other", browser="", os="", platform="", location="Unknown")
HOUR = timedelta(hours=1)
Call = Callable[[User, "Secrets"], object]


class Secrets:
    """A user's emailed code and reset token."""

    def __init__(self, user: User) -> None:
        now, email = timezone.now(), user.email or ""
        self.email, reset = (
            OutboxEmail.objects.create(kind=kind, user=user, recipient=email, due_at=now, created_at=now)
            for kind in ("verify_email", "reset_password")
        )
        self.code = verification_codes.issue(
            user=user, purpose=Purpose.VERIFY_EMAIL, email=self.email, token_lifetime=HOUR
        ).code
        self.token = verification_codes.issue(
            user=user, purpose=Purpose.RESET_PASSWORD, email=reset, token_lifetime=HOUR
        ).token


def _verify_by_code(user: User, secrets: Secrets) -> object:
    return email_verification.verify_by_code(email=user.email or "", code=secrets.code)


def _resend(user: User, _secrets: Secrets) -> None:
    email_verification.resend(email=user.email or "")


def _reset(_user: User, secrets: Secrets) -> None:
    passwords.reset(token=secrets.token, new_password="Another-Horse-8", client=CLIENT)


def _register_again(user: User, _secrets: Secrets) -> object:
    for _ in range(settings.MAX_CODE_TRIES):
        code_attempts.count_code_attempt(Purpose.VERIFY_EMAIL, user.email or "")
    return registration.register(NewAccount(email=user.email, password=PASSWORD, profile={"username": "newcomer"}))


def _issue(user: User, secrets: Secrets) -> object:
    return verification_codes.issue(user=user, purpose=Purpose.VERIFY_EMAIL, email=secrets.email, token_lifetime=HOUR)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads
        threads.submit(connections.close_all).result()


@pytest.mark.parametrize("call", [_verify_by_code, _resend, _reset, _register_again, _issue])
def test_code_rows_stay_unlocked_while_a_service_waits_for_the_user_row(
    bob: User, pool: ThreadPoolExecutor, settings: Settings, call: Call
) -> None:
    settings.PREVENT_ENUMERATION = True
    secrets = Secrets(bob)

    with transaction.atomic():
        User.objects.select_for_update().get(id=bob.id)
        waiting = pool.submit(call, bob, secrets)
        wait_for_lock(waiting)
        unlocked = len(VerificationCode.objects.select_for_update(skip_locked=True).filter(user=bob))

    waiting.result(timeout=20)
    assert unlocked == 2


def wait_for_lock(waiting: "Future[Any]") -> None:
    """Return when the service waits for a lock of this database."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(sql)
            if cursor.fetchone() != (0,):
                return
        assert not waiting.done(), waiting.exception()
        time.sleep(0.05)
    pytest.fail("the service did not wait for the user's row")


@pytest.mark.parametrize("attempt", range(10))
def test_concurrent_verification_and_reset_never_deadlock(bob: User, attempt: int) -> None:
    secrets = Secrets(bob)
    calls: list[Call] = [_verify_by_code, _reset, _resend]

    def run(call: Call) -> object:
        try:
            return call(bob, secrets)
        except ApiError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        list(threads.map(run, calls))  # a deadlock would be raised here

    user = User.objects.get(id=bob.id)
    assert user.email_key == email_key(bob.email or "")
    assert not VerificationCode.objects.filter(
        user=bob, used_at=None, invalidated_at=None, purpose="reset_password"
    ).exists()
