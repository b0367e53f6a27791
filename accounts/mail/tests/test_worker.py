"""A real worker delivers to a real mail server: what is promised arrives, whoever was away meanwhile."""

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from pytest_django import DjangoDbBlocker

from accounts.models import EmailState, OutboxEmail
from accounts.testing import mail_server
from accounts.testing.api_client import PASSWORD
from accounts.testing.mail_server import OK, MailServer, plain_text
from core.dev import processes
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer
from core.testing.redis_url import redis_url_for_worker
from core.testing.waiting import wait_until
from core.web_server import commands

Worker = subprocess.Popen[bytes]
StartWorker = Callable[[], Worker]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("worker")
    with live_database.in_use(folder, django_db_blocker):
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LiveServer]:
    with live_server.running(folder) as running:
        yield running


@pytest.fixture
def mailbox(folder: Path) -> Iterator[MailServer]:
    OutboxEmail.objects.all().delete()
    _broker().flushdb()
    with mail_server.listening() as listening:
        yield listening


@pytest.fixture
def start_worker(folder: Path, mailbox: MailServer) -> Iterator[StartWorker]:
    """A worker with its beat, as `make worker` starts it."""
    started: list[Worker] = []

    def start() -> Worker:
        command = [
            *commands.worker(concurrency=1),
            "--beat",
            "--schedule",
            str(folder / f"beat-{new_id()}"),
            "--pidfile",
            "",
        ]
        variables = {"DJANGO_SETTINGS_MODULE": "accounts.testing.worker_settings", "EMAIL_URL": mailbox.url}
        with (folder / "worker.log").open("ab") as log:
            environment = live_server.environment(**variables)
            started.append(processes.start(command, cwd=BASE_DIR, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for worker in started:
        processes.stop(worker, grace=5)


def test_a_code_arrives_by_smtp_and_works(server: LiveServer, mailbox: MailServer, start_worker: StartWorker) -> None:
    start_worker()
    email = _address()

    assert _sign_up(server, email).status == 201
    wait_until(lambda: mailbox.accepted[email])

    code = _code(plain_text(mailbox.accepted[email][0]))
    assert server.send(ApiRequest("POST", "/verify-email", {"email": email, "code": code})).status == 200
    wait_until(lambda: len(mailbox.accepted[email]) == 2)
    assert "Welcome" in mailbox.accepted[email][1]["Subject"]
    wait_until(lambda: not OutboxEmail.objects.exclude(state=EmailState.SENT).exists())


def test_what_was_promised_while_the_worker_was_away_is_sent_once(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    emails = [_address() for _ in range(5)]
    assert {_sign_up(server, email).status for email in emails} == {201}

    start_worker()
    wait_until(lambda: all(mailbox.accepted[email] for email in emails))

    time.sleep(1)  # three sweeps
    assert [len(mailbox.accepted[email]) for email in emails] == [1] * 5


def test_a_temporary_refusal_is_tried_again_with_the_same_code(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    email = _address()
    mailbox.responses[email] = [lambda: "451 4.7.1 Come back later", lambda: "421 4.3.2 Closing"]
    start_worker()

    _sign_up(server, email)
    wait_until(lambda: _row(email).state == EmailState.SENT)

    assert mailbox.attempts[email] == 3
    assert _row(email).attempts == 3
    code = _code(plain_text(mailbox.accepted[email][0]))
    assert server.send(ApiRequest("POST", "/verify-email", {"email": email, "code": code})).status == 200


def test_a_permanent_refusal_is_given_up_with_its_reason_and_holds_up_nobody(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    refused, fine = _address(), _address()
    mailbox.responses[refused] = [lambda: "550 5.1.1 No such user 123456"] * 9
    _sign_up(server, refused)
    _sign_up(server, fine)

    start_worker()
    wait_until(lambda: _row(refused).state == EmailState.FAILED and mailbox.accepted[fine])

    time.sleep(1)  # three sweeps
    assert mailbox.attempts[refused] == 1
    assert _row(refused).error == "SMTPDataError 550"


def test_a_worker_killed_before_it_could_note_the_sending_sends_one_more_copy_of_the_same(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    email = _address()
    _sign_up(server, email)
    first = start_worker()
    mailbox.responses[email] = [lambda: _kill(first)]
    wait_until(lambda: mailbox.accepted[email])
    assert _row(email).state == EmailState.SENDING

    start_worker()
    wait_until(lambda: _row(email).state == EmailState.SENT)

    time.sleep(1)  # three sweeps
    one, other = mailbox.accepted[email]
    assert one["Message-ID"] == other["Message-ID"]
    assert _code(plain_text(one)) == _code(plain_text(other))


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "refuses"])
def test_a_broker_that_is_away_holds_up_no_request_and_loses_no_email(
    folder: Path, mailbox: MailServer, start_worker: StartWorker, hangs: bool
) -> None:
    with _absent_broker(hangs=hangs) as url, live_server.running(folder, CELERY_BROKER_URL=url) as server:
        emails = [_address() for _ in range(3)]

        started = time.monotonic()
        assert {_sign_up(server, email).status for email in emails} == {201}
        assert time.monotonic() - started < 1

        start_worker()
        wait_until(lambda: all(mailbox.accepted[email] for email in emails))
        assert [len(mailbox.accepted[email]) for email in emails] == [1, 1, 1]


def test_neither_broker_nor_outbox_nor_log_holds_a_code_or_a_token(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker, folder: Path
) -> None:
    email = _address()
    _sign_up(server, email)
    wait_until(lambda: _broker().llen("celery"))
    queued = _broker().lrange("celery", 0, -1)
    start_worker()
    wait_until(lambda: _row(email).state == EmailState.SENT)

    text = plain_text(mailbox.accepted[email][0])
    secrets = [_code(text), re.findall(r"token=([\w-]+)", text)[0]]
    logs = (folder / "worker.log").read_text() + (folder / "web.log").read_text()
    row = OutboxEmail.objects.filter(recipient=email).values().get()
    for secret in secrets:
        assert secret not in f"{queued!r} {logs} {row}"


def _kill(worker: Worker) -> str:
    """The server has taken the message; the worker does not live to hear of it."""
    processes.kill_group(worker)
    return OK


@contextmanager
def _absent_broker(*, hangs: bool) -> Iterator[str]:
    """An address where nobody listens, or where connections are taken and never answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if hangs:
            listener.listen(16)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def _broker() -> redis.Redis:
    url = redis_url_for_worker(broker=True).replace("redis+socket://", "unix://").replace("virtual_host", "db")
    return redis.Redis.from_url(url)


def _address() -> str:
    return f"{new_id().hex}@example.com"


def _sign_up(server: LiveServer, email: str) -> ApiResponse:
    body = {"email": email, "username": f"w{new_id().hex[-20:]}", "password": PASSWORD}
    return server.send(ApiRequest("POST", "/register", body))


def _row(email: str) -> OutboxEmail:
    return OutboxEmail.objects.get(recipient=email)


def _code(text: str) -> str:
    found = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", text))
    assert found, text
    return found[1]
