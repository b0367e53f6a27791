"""A real worker delivers to a real mail server: queued emails arrive, after any component was unavailable."""

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
    with mail_server.listening() as mailbox:
        yield mailbox


@pytest.fixture
def start_worker(folder: Path, mailbox: MailServer) -> Iterator[StartWorker]:
    """Return a function that starts a worker with beat, like `make worker`."""
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


def test_a_code_sent_by_smtp_is_valid(server: LiveServer, mailbox: MailServer, start_worker: StartWorker) -> None:
    start_worker()
    email = _new_email()

    assert _register(server, email).status == 201
    wait_until(lambda: mailbox.accepted[email])

    code = _code(plain_text(mailbox.accepted[email][0]))
    assert server.send(ApiRequest("POST", "/verify-email", {"email": email, "code": code})).status == 200
    wait_until(lambda: len(mailbox.accepted[email]) == 2)
    assert "Welcome" in mailbox.accepted[email][1]["Subject"]
    wait_until(lambda: not OutboxEmail.objects.exclude(state=EmailState.SENT).exists())


def test_emails_queued_while_no_worker_ran_are_sent_once(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    emails = [_new_email() for _ in range(5)]
    assert {_register(server, email).status for email in emails} == {201}

    start_worker()
    wait_until(lambda: all(mailbox.accepted[email] for email in emails))

    time.sleep(1)  # three sweeps
    assert [len(mailbox.accepted[email]) for email in emails] == [1] * 5


def test_a_temporary_rejection_is_retried_with_the_same_code(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    email = _new_email()
    mailbox.responses[email] = [lambda: "451 4.7.1 Come back later", lambda: "421 4.3.2 Closing"]
    start_worker()

    _register(server, email)
    wait_until(lambda: _row(email).state == EmailState.SENT)

    assert mailbox.attempts[email] == 3
    assert _row(email).attempts == 3
    code = _code(plain_text(mailbox.accepted[email][0]))
    assert server.send(ApiRequest("POST", "/verify-email", {"email": email, "code": code})).status == 200


def test_a_permanent_rejection_fails_with_its_reason_and_delays_no_other_email(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    rejected, accepted = _new_email(), _new_email()
    mailbox.responses[rejected] = [lambda: "550 5.1.1 No such user 123456"] * 9
    _register(server, rejected)
    _register(server, accepted)

    start_worker()
    wait_until(lambda: _row(rejected).state == EmailState.FAILED and mailbox.accepted[accepted])

    time.sleep(1)  # three sweeps
    assert mailbox.attempts[rejected] == 1
    assert _row(rejected).error == "SMTPDataError 550"


def test_a_worker_killed_before_it_marks_an_email_as_sent_causes_one_identical_copy(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker
) -> None:
    email = _new_email()
    _register(server, email)
    first = start_worker()
    mailbox.responses[email] = [lambda: _kill(first)]
    wait_until(lambda: mailbox.accepted[email])
    assert _row(email).state == EmailState.SENDING

    start_worker()
    wait_until(lambda: _row(email).state == EmailState.SENT)

    time.sleep(1)  # three sweeps
    first_copy, second_copy = mailbox.accepted[email]
    assert first_copy["Message-ID"] == second_copy["Message-ID"]
    assert _code(plain_text(first_copy)) == _code(plain_text(second_copy))


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "refuses"])
def test_an_unavailable_broker_delays_no_request_and_loses_no_email(
    folder: Path, mailbox: MailServer, start_worker: StartWorker, hangs: bool
) -> None:
    with _unavailable_broker(hangs=hangs) as url, live_server.running(folder, CELERY_BROKER_URL=url) as server:
        emails = [_new_email() for _ in range(3)]

        started = time.monotonic()
        assert {_register(server, email).status for email in emails} == {201}
        assert time.monotonic() - started < 1

        start_worker()
        wait_until(lambda: all(mailbox.accepted[email] for email in emails))
        assert [len(mailbox.accepted[email]) for email in emails] == [1, 1, 1]


def test_no_code_or_token_is_in_broker_outbox_or_log(
    server: LiveServer, mailbox: MailServer, start_worker: StartWorker, folder: Path
) -> None:
    email = _new_email()
    _register(server, email)
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
    """Accept the message, and kill the worker before it receives the response."""
    processes.kill_group(worker)
    return OK


@contextmanager
def _unavailable_broker(*, hangs: bool) -> Iterator[str]:
    """Yield the URL of a port that refuses connections or, with `hangs`, accepts them and never responds."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if hangs:
            listener.listen(16)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def _broker() -> redis.Redis:
    url = redis_url_for_worker(broker=True).replace("redis+socket://", "unix://").replace("virtual_host", "db")
    return redis.Redis.from_url(url)


def _new_email() -> str:
    return f"{new_id().hex}@example.com"


def _register(server: LiveServer, email: str) -> ApiResponse:
    body = {"email": email, "username": f"w{new_id().hex[-20:]}", "password": PASSWORD}
    return server.send(ApiRequest("POST", "/register", body))


def _row(email: str) -> OutboxEmail:
    return OutboxEmail.objects.get(recipient=email)


def _code(text: str) -> str:
    match = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", text))
    assert match, text
    return match[1]
