"""Orderly ends and poor beginnings: what is under way is finished, and what is away at the start is used when it comes."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from accounts.mail import outbox
from accounts.models import EmailState, OutboxEmail
from accounts.testing import mail_server
from accounts.testing.cast import log_in, signed_in, someone
from accounts.testing.mail_server import OK, MailServer
from core.dev import processes, redis_server
from core.ids import new_id
from core.paths import BASE_DIR, url_path
from core.testing import live_server
from core.testing.live_server import HOST, ApiRequest, ApiResponse, LiveServer
from core.testing.waiting import wait_until
from core.web_server import bind_address, commands
from sessions_tracking.models import Session
from tests.faults.conftest import readiness
from tests.faults.revocation_paths import is_alive, is_revoked

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

IN_FLIGHT = 50
Process = subprocess.Popen[bytes]
StartWorker = Callable[..., Process]


@pytest.fixture
def mailbox(faults_folder: Path) -> Iterator[MailServer]:
    OutboxEmail.objects.all().delete()
    with mail_server.listening() as listening:
        yield listening


@pytest.fixture
def start_worker(faults_folder: Path, mailbox: MailServer) -> Iterator[StartWorker]:
    """A worker with its beat, as `make worker` starts it; `variables` join the environment."""
    started: list[Process] = []

    def start(**variables: str) -> Process:
        beat = ["--beat", "--schedule", str(faults_folder / f"beat-{new_id()}"), "--pidfile", ""]
        own = {"DJANGO_SETTINGS_MODULE": "accounts.testing.worker_settings", "EMAIL_URL": mailbox.url}
        with (faults_folder / "worker.log").open("ab") as log:
            environment = live_server.environment(**(own | variables))
            command = [*commands.worker(concurrency=1), *beat]
            started.append(processes.start(command, cwd=BASE_DIR, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for worker in started:
        processes.stop(worker, grace=5)


@contextmanager
def serving(faults_folder: Path, **variables: str) -> Iterator[tuple[Process, LiveServer]]:
    """The web server as `make serve` starts it, and its process, to be sent signals."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    log = faults_folder / f"web-{port}.log"
    environment = live_server.environment(**({"HOST": HOST, "PORT": str(port), "WEB_WORKERS": "2"} | variables))
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "serve"]
        process = processes.start(command, cwd=BASE_DIR, env=environment, stdout=output, stderr=output)
    try:
        processes.wait_until(lambda: bind_address.answers(HOST, port, "/healthz"), process, log=log, seconds=30)
        yield process, LiveServer(port)
    finally:
        processes.stop(process, grace=5)


def test_a_web_server_finishes_fifty_slow_logins_on_sigterm(faults_folder: Path) -> None:
    Session.objects.all().delete()
    people = [someone() for _ in range(IN_FLIGHT)]
    with (
        serving(faults_folder, BCRYPT_ROUNDS="10", HASH_QUEUE_SIZE="50") as (process, server),
        ThreadPoolExecutor(1) as pool,
    ):
        answers = pool.submit(server.send_at_once, [log_in(user) for user in people])
        wait_until(Session.objects.exists, seconds=15)
        asked_at = time.monotonic()
        process.terminate()
        assert Session.objects.count() < IN_FLIGHT / 2
        wait_until(lambda: _refuses(server))
        assert not answers.done()

        replies: list[ApiResponse] = answers.result(timeout=30)

        assert process.wait(timeout=30) == 0
        assert time.monotonic() - asked_at < 30
        assert [reply.status for reply in replies] == [200] * IN_FLIGHT
    assert all(user.sessions.filter(revoked_at=None).count() == 1 for user in people)


def test_sigterm_during_startup_ends_the_web_server_promptly(faults_folder: Path) -> None:
    """One of its processes answers, and the other has hardly begun."""
    for _ in range(4):
        with serving(faults_folder) as (process, _server):
            process.terminate()

            assert process.wait(timeout=8) == 0


def test_sigterm_delivered_to_a_background_thread_ends_the_web_process(faults_folder: Path) -> None:
    """The signal comes to another thread, which leaves the process as one does that comes a moment before the wait."""
    with serving(faults_folder, WEB_WORKERS="1") as (process, _server):
        web_process = int(_listed(f"/proc/{process.pid}/task/{process.pid}/children")[0])
        another = max(int(thread.name) for thread in Path(f"/proc/{web_process}/task").iterdir())
        assert another != web_process

        assert ctypes.CDLL(None).tgkill(web_process, another, signal.SIGTERM) == 0

        wait_until(lambda: not Path(f"/proc/{web_process}").exists())


def test_a_killed_web_process_is_replaced_while_the_other_serves_requests(faults_folder: Path) -> None:
    with serving(faults_folder) as (process, server):
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        victim, *others = sorted(map(int, _listed(children)))

        os.kill(victim, signal.SIGKILL)

        wait_until(lambda: len(_listed(children)) == 2 and str(victim) not in _listed(children), seconds=20)
        assert {str(other) for other in others} <= set(_listed(children))
        wait_until(lambda: _answers_ten_times(server), seconds=20)
        assert process.poll() is None


def test_a_worker_with_beat_finishes_its_current_email_on_sigterm(
    mailbox: MailServer, start_worker: StartWorker
) -> None:
    user, worker = someone(verified=False), start_worker()
    assert user.email
    mailbox.responses[user.email] = [lambda: _slowly(worker)]

    outbox.verification(user)

    assert worker.wait(timeout=30) == 0
    assert len(mailbox.accepted[user.email]) == 1
    assert OutboxEmail.objects.get(user=user).state == EmailState.SENT
    _assert_sent_once_only(mailbox, user.email, start_worker)


def test_a_worker_with_beat_loses_no_email_on_a_second_sigterm(mailbox: MailServer, start_worker: StartWorker) -> None:
    user, worker = someone(verified=False), start_worker()
    assert user.email
    mailbox.responses[user.email] = [lambda: _slowly(worker, times=2)]

    outbox.verification(user)
    worker.wait(timeout=30)
    start_worker()

    wait_until(lambda: OutboxEmail.objects.get(user=user).state == EmailState.SENT, seconds=15)
    assert 1 <= len(mailbox.accepted[user.email]) <= 2
    assert len({message["Message-ID"] for message in mailbox.accepted[user.email]}) == 1


def test_web_server_and_worker_start_without_redis_and_broker_and_use_them_later(
    faults_folder: Path, mailbox: MailServer, start_worker: StartWorker
) -> None:
    path = faults_folder / "late.sock"
    away = {
        "REDIS_URL": f"unix://{url_path(path)}?db=0",
        "CELERY_BROKER_URL": f"redis+socket://{url_path(path)}?virtual_host=1",
    }
    worker = start_worker(**away)
    with serving(faults_folder, **away) as (_process, server):
        user = someone()
        ended, kept = signed_in(server, user), signed_in(server, user)
        assert is_alive(server, kept)
        assert server.send(ApiRequest("POST", "/logout", token=ended.access)).status == 200
        assert is_revoked(server, ended)
        assert readiness(server)["status"] == "degraded"

        redis = redis_server.start_for_tests()
        try:
            path.symlink_to(redis.socket)
            wait_until(lambda: readiness(server)["redis"] == "ok", seconds=5)
            assert is_revoked(server, ended)
            assert is_alive(server, kept)
            newcomer = someone(verified=False)
            outbox.verification(newcomer)
            wait_until(lambda: mailbox.accepted[str(newcomer.email)], seconds=30)
            assert worker.poll() is None
        finally:
            processes.stop(worker, grace=5)
            redis.stop()
            path.unlink()


def _listed(path: str) -> list[str]:
    return Path(path).read_text().split()


def _refuses(server: LiveServer) -> bool:
    """Whether nobody new is let in."""
    try:
        socket.create_connection((HOST, server.port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def _answers_ten_times(server: LiveServer) -> bool:
    try:
        return all(server.send(ApiRequest("GET", "/me")).status == 401 for _ in range(10))
    except OSError:
        return False


def _slowly(worker: Process, *, times: int = 1) -> str:
    """The server takes its time with the message, and meanwhile somebody tells the worker to end."""
    for _ in range(times):
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    return OK


def _assert_sent_once_only(mailbox: MailServer, email: str, start_worker: StartWorker) -> None:
    """A newcomer's email is sent by the next worker, so it has looked for what is left to send."""
    start_worker()
    newcomer = someone(verified=False)
    outbox.verification(newcomer)
    wait_until(lambda: mailbox.accepted[str(newcomer.email)], seconds=15)
    assert len(mailbox.accepted[email]) == 1
