"""The broker hangs, runs out of memory, is flushed or holds malformed messages: each email is sent exactly once."""

import base64
import json
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from pytest_django import DjangoDbBlocker

from accounts.models import EmailState, OutboxEmail
from accounts.testing import mail_server
from accounts.testing.mail_server import MailServer, plain_text
from core.dev import redis_server
from core.dev.redis_server import RedisServer
from core.ids import new_id
from core.paths import url_path
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until
from tests.faults import worker_fleet
from tests.faults.worker_fleet import new_email, sign_up, sign_up_in_time

pytestmark = pytest.mark.faults

QUEUE = "celery"
HANG_SECONDS = 6  # longer than Celery waits for a response


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("broker")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture(scope="module")
def broker_server() -> Iterator[RedisServer]:
    """A separate Redis for the broker, so that its faults affect only email."""
    server = redis_server.start_for_tests()
    yield server
    server.stop()


@pytest.fixture
def broker(broker_server: RedisServer) -> redis.Redis:
    client = redis.Redis(unix_socket_path=str(broker_server.socket))
    client.flushall()
    return client


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    OutboxEmail.objects.all().delete()
    with mail_server.listening() as listening:
        yield listening


@pytest.fixture(scope="module")
def server(folder: Path, broker_server: RedisServer) -> Iterator[LiveServer]:
    with live_server.running(folder, CELERY_BROKER_URL=_url(broker_server)) as running:
        yield running


@pytest.fixture
def fleet(folder: Path, mailbox: MailServer, broker_server: RedisServer) -> Iterator[worker_fleet.WorkerFleet]:
    with worker_fleet.running(folder, mailbox.url, CELERY_BROKER_URL=_url(broker_server)) as fleet:
        yield fleet


def test_a_hung_broker_delays_email_and_nothing_else(
    server: LiveServer,
    fleet: worker_fleet.WorkerFleet,
    mailbox: MailServer,
    broker: redis.Redis,
    broker_server: RedisServer,
) -> None:
    fleet.worker()
    before, during = new_email(), [new_email() for _ in range(3)]
    sign_up(server, before)
    wait_until(lambda: mailbox.accepted[before])

    with _hung(broker_server):
        sign_up_in_time(server, during)
        time.sleep(HANG_SECONDS)

    wait_until(lambda: all(mailbox.accepted[email] for email in during), seconds=30)
    _assert_sent_once(mailbox, [before, *during])
    _assert_codes_work(server, mailbox, during)


def test_a_broker_out_of_memory_delays_email_and_nothing_else(
    server: LiveServer, fleet: worker_fleet.WorkerFleet, mailbox: MailServer, broker: redis.Redis
) -> None:
    worker = fleet.worker()
    before, during = new_email(), [new_email() for _ in range(3)]
    sign_up(server, before)
    wait_until(lambda: mailbox.accepted[before])

    broker.config_set("maxmemory", 1)
    sign_up_in_time(server, during)
    time.sleep(2)
    broker.config_set("maxmemory", 0)

    # Celery exits if it has to reconnect during the fault; in production a supervisor restarts it.
    with suppress(subprocess.TimeoutExpired):
        worker.wait(timeout=3)
        fleet.worker()
    wait_until(lambda: all(mailbox.accepted[email] for email in during))
    _assert_sent_once(mailbox, [before, *during])
    _assert_codes_work(server, mailbox, during)


def test_flushing_the_broker_loses_no_email(
    server: LiveServer, fleet: worker_fleet.WorkerFleet, mailbox: MailServer, broker: redis.Redis
) -> None:
    emails = [new_email() for _ in range(3)]
    assert {sign_up(server, email).status for email in emails} == {201}
    wait_until(lambda: broker.llen(QUEUE))
    broker.flushall()

    fleet.worker()
    wait_until(lambda: all(mailbox.accepted[email] for email in emails))

    broker.flushall()  # deletes the bindings of the queue on which the worker listens
    emails.append(new_email())
    sign_up(server, emails[-1])
    wait_until(lambda: mailbox.accepted[emails[-1]])
    _assert_sent_once(mailbox, emails)
    _assert_codes_work(server, mailbox, emails)


def test_a_pickled_message_is_never_unpickled_and_does_not_block_the_queue(
    server: LiveServer, fleet: worker_fleet.WorkerFleet, mailbox: MailServer, broker: redis.Redis, tmp_path: Path
) -> None:
    marker = tmp_path / "unpickled"
    broker.rpush(QUEUE, _message(pickle.dumps(_PickleBomb(str(marker))), "application/x-python-serialize"))

    _assert_email_gets_through(server, fleet, mailbox)

    assert not marker.exists()
    assert not broker.llen(QUEUE)


def test_malformed_messages_do_not_block_the_queue(
    server: LiveServer, fleet: worker_fleet.WorkerFleet, mailbox: MailServer, broker: redis.Redis
) -> None:
    broker.rpush(
        QUEUE,
        _message(b"[[], {}, {}]", "application/json", task="no.such.task"),
        _message(b'[["one too many"], {}, {}]', "application/json"),
        _message(b"{", "application/json"),
        _message(b"\xff\xfe", "text/plain"),
    )

    _assert_email_gets_through(server, fleet, mailbox)

    assert not broker.llen(QUEUE)


def test_bytes_that_are_no_celery_message_end_one_worker_and_not_the_next(
    server: LiveServer, fleet: worker_fleet.WorkerFleet, mailbox: MailServer, broker: redis.Redis
) -> None:
    """Celery's transport cannot parse the bytes. The worker must exit, so that its supervisor restarts it."""
    broker.rpush(QUEUE, b"no message")

    assert fleet.worker().wait(timeout=20) != 0

    _assert_email_gets_through(server, fleet, mailbox)


class _PickleBomb:
    """Create a directory when unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (self.path,)


def _message(body: bytes, content_type: str, task: str = "accounts.deliver_outbox") -> bytes:
    """Return a message in the format of Celery's Redis transport."""
    message_id = str(new_id())
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8" if content_type == "application/json" else "binary",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": message_id, "root_id": message_id, "argsrepr": "()"},
            "properties": {
                "correlation_id": message_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": message_id,
            },
        }
    ).encode()


def _assert_email_gets_through(server: LiveServer, fleet: worker_fleet.WorkerFleet, mailbox: MailServer) -> None:
    worker = fleet.worker()
    email = new_email()
    sign_up(server, email)
    wait_until(lambda: mailbox.accepted[email])
    assert worker.poll() is None
    _assert_sent_once(mailbox, [email])


def _assert_sent_once(mailbox: MailServer, emails: list[str]) -> None:
    wait_until(lambda: not OutboxEmail.objects.exclude(state=EmailState.SENT).exists())
    time.sleep(0.7)  # two sweeps
    assert [len(mailbox.accepted[email]) for email in emails] == [1] * len(emails)


def _assert_codes_work(server: LiveServer, mailbox: MailServer, emails: list[str]) -> None:
    for email in emails:
        code = worker_fleet.code_in(plain_text(mailbox.accepted[email][0]))
        assert server.send(ApiRequest("POST", "/verify-email", {"email": email, "code": code})).status == 200


def _url(server: RedisServer) -> str:
    return f"redis+socket://{url_path(server.socket)}?virtual_host=0"


@contextmanager
def _hung(server: RedisServer) -> Iterator[None]:
    """Stop the server process: it keeps its connections and sends no response."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)
