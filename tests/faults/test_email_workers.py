"""Concurrent workers, workers that are stopped or killed while they send, and a database lost during a send."""

import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
import redis
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from accounts.mail import outbox
from accounts.models import EmailState, OutboxEmail
from accounts.testing import cast, mail_server
from accounts.testing.mail_server import OK, MailServer
from core.testing import live_database
from core.testing.redis_url import redis_url_for_worker
from core.testing.waiting import wait_until
from tests.faults import worker_fleet
from tests.faults.worker_fleet import SHORT_CLAIM, Process, WorkerFleet, enqueue_welcome, outbox_row

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("workers")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    OutboxEmail.objects.all().delete()
    url = redis_url_for_worker(broker=True).replace("redis+socket://", "unix://").replace("virtual_host", "db")
    redis.Redis.from_url(url).flushdb()
    with mail_server.listening() as listening:
        yield listening


@pytest.fixture
def fleet(folder: Path, mailbox: MailServer) -> Iterator[WorkerFleet]:
    with worker_fleet.running(folder, mailbox.url) as fleet:
        yield fleet


@pytest.mark.timeout(120)
def test_three_workers_and_two_beats_send_each_of_two_hundred_emails_once(
    fleet: WorkerFleet, mailbox: MailServer
) -> None:
    emails = enqueue_welcome(200)
    for _ in range(3):
        fleet.worker(beat=False)
    for _ in range(2):
        fleet.beat()

    wait_until(lambda: not _unsent(), seconds=60)

    time.sleep(1)  # three sweeps of each beat
    assert Counter(mailbox.attempts) == Counter(dict.fromkeys(emails, 1))
    messages = [message for email in emails for message in mailbox.accepted[email]]
    assert len({message["Message-ID"] for message in messages}) == 200
    assert set(OutboxEmail.objects.values_list("attempts", flat=True)) == {1}


def test_a_worker_finishes_its_current_email_on_sigterm(fleet: WorkerFleet, mailbox: MailServer) -> None:
    emails = enqueue_welcome(3)
    worker = fleet.worker()
    for email in emails:
        mailbox.responses[email] = [lambda: _slowly(0.5)]
    wait_until(lambda: mailbox.attempts)

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=15) == 0

    assert not OutboxEmail.objects.filter(state=EmailState.SENDING).exists()
    fleet.worker()
    _assert_sent_once(mailbox, emails)


def test_a_stopping_worker_finishes_one_short_task_and_not_the_whole_queue(
    fleet: WorkerFleet, mailbox: MailServer
) -> None:
    emails = enqueue_welcome(40)
    worker = fleet.worker()
    for email in emails:
        mailbox.responses[email] = [lambda: _slowly(0.4)]
    wait_until(lambda: mailbox.attempts)

    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=15) == 0

    assert time.monotonic() - started < 9  # sixteen seconds of work were queued
    assert OutboxEmail.objects.filter(state=EmailState.QUEUED).exists()
    mailbox.responses.clear()
    fleet.worker()
    _assert_sent_once(mailbox, emails)


def test_a_second_sigterm_loses_no_email(folder: Path, mailbox: MailServer) -> None:
    with worker_fleet.running(folder, mailbox.url, settings=SHORT_CLAIM) as fleet:
        emails = enqueue_welcome(4)
        worker = fleet.worker()
        mailbox.responses[emails[0]] = [lambda: _send_sigterm_twice(worker)]
        wait_until(lambda: mailbox.accepted[emails[0]])
        worker.wait(timeout=15)

        fleet.worker()
        wait_until(lambda: not _unsent())

        assert [len(mailbox.accepted[email]) for email in emails[1:]] == [1] * 3
        copies = mailbox.accepted[emails[0]]
        assert len(copies) <= 2
        assert len({copy["Message-ID"] for copy in copies}) == 1


def test_a_redelivered_task_sends_nothing_while_the_first_delivery_is_sending(
    fleet: WorkerFleet, mailbox: MailServer
) -> None:
    """Redis redelivers a task after its visibility timeout: here ten tasks run while the first worker sends."""
    [email] = enqueue_welcome()
    mailbox.responses[email] = [lambda: _slowly(3)] * 9
    for _ in range(2):
        fleet.worker()

    wait_until(lambda: outbox_row(email).state == EmailState.SENT)

    time.sleep(0.7)  # two sweeps of each beat
    assert mailbox.attempts[email] == 1


def test_an_email_of_a_rolled_back_transaction_is_never_sent(fleet: WorkerFleet, mailbox: MailServer) -> None:
    fleet.worker()
    [kept] = enqueue_welcome()
    wait_until(lambda: mailbox.accepted[kept])

    with pytest.raises(_RollbackError), transaction.atomic():
        user = cast.someone(verified=False)
        outbox.first_verification(user)
        time.sleep(1)  # three sweeps
        raise _RollbackError

    time.sleep(1)
    assert not mailbox.attempts[str(user.email)]
    assert not OutboxEmail.objects.filter(recipient=user.email).exists()


def test_losing_the_database_after_smtp_acceptance_causes_no_second_copy(
    fleet: WorkerFleet, mailbox: MailServer
) -> None:
    [email] = enqueue_welcome()
    url = live_database.current_url()  # read here: the mail server's thread has other settings
    mailbox.responses[email] = [lambda: _lose_database(url)]
    fleet.worker()

    wait_until(lambda: outbox_row(email).state == EmailState.SENT)

    assert (mailbox.attempts[email], outbox_row(email).attempts) == (1, 1)


class _RollbackError(Exception):
    pass


def _unsent() -> bool:
    return OutboxEmail.objects.exclude(state=EmailState.SENT).exists()


def _assert_sent_once(mailbox: MailServer, emails: list[str]) -> None:
    wait_until(lambda: not _unsent())
    time.sleep(0.7)  # two sweeps
    assert Counter(mailbox.attempts) == Counter(dict.fromkeys(emails, 1))


def _slowly(seconds: float) -> str:
    time.sleep(seconds)
    return OK


def _send_sigterm_twice(worker: Process) -> str:
    for _ in range(2):
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    return OK


def _lose_database(url: str) -> str:
    """Accept the email, and make the database unavailable before the worker can mark it as sent."""
    if connection.vendor == "postgresql":
        _cut_connections(url)
        return OK
    locked = threading.Event()
    threading.Thread(target=_hold_lock, args=(unquote(url.removeprefix("sqlite:///")), locked)).start()
    locked.wait(timeout=5)
    return OK


def _hold_lock(file: str, locked: threading.Event) -> None:
    """Hold a write lock for longer than SQLite's busy timeout."""
    with closing(sqlite3.connect(file, isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        locked.set()
        time.sleep(6)
        locker.execute("ROLLBACK")


def _cut_connections(url: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            ["worker"],
        )
