"""Graceful shutdown finishes all work in progress, and a start without Redis and broker uses them once they are available."""

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
    """Return a function that starts a worker with beat, like `make worker`; `variables` extend the environment."""
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
    """Run the web server like `make serve`; yield its process, to send signals to, and the server."""
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
    users = [someone() for _ in range(IN_FLIGHT)]
    with (
        serving(faults_folder, BCRYPT_ROUNDS="10", HASH_QUEUE_SIZE="50") as (process, server),
        ThreadPoolExecutor(1) as pool,
    ):
        pending = pool.submit(server.send_at_once, [log_in(user) for user in users])
        wait_until(Session.objects.exists, seconds=15)
        stopped_at = time.monotonic()
        process.terminate()
        assert Session.objects.count() < IN_FLIGHT / 2
        wait_until(lambda: _rejects_connections(server))
        assert not pending.done()

        responses: list[ApiResponse] = pending.result(timeout=30)

        assert process.wait(timeout=30) == 0
        assert time.monotonic() - stopped_at < 30
        assert [response.status for response in responses] == [200] * IN_FLIGHT
    assert all(user.sessions.filter(revoked_at=None).count() == 1 for user in users)


def test_sigterm_during_startup_ends_the_web_server_promptly(faults_folder: Path) -> None:
    """At this time one web process serves requests, and the other is still starting."""
    for _ in range(4):
        with serving(faults_folder) as (process, _server):
            process.terminate()

            assert process.wait(timeout=8) == 0


def test_sigterm_delivered_to_a_background_thread_ends_the_web_process(faults_folder: Path) -> None:
    """A signal delivered to another thread does not interrupt the wait of the main thread, like one just before the wait."""
    with serving(faults_folder, WEB_WORKERS="1") as (process, _server):
        web_process = int(_read_pids(f"/proc/{process.pid}/task/{process.pid}/children")[0])
        another = max(int(thread.name) for thread in Path(f"/proc/{web_process}/task").iterdir())
        assert another != web_process

        assert ctypes.CDLL(None).tgkill(web_process, another, signal.SIGTERM) == 0

        wait_until(lambda: not Path(f"/proc/{web_process}").exists())


def test_a_killed_web_process_is_replaced_while_the_other_serves_requests(faults_folder: Path) -> None:
    with serving(faults_folder) as (process, server):
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        killed, *others = sorted(map(int, _read_pids(children)))

        os.kill(killed, signal.SIGKILL)

        wait_until(lambda: len(_read_pids(children)) == 2 and str(killed) not in _read_pids(children), seconds=20)
        assert {str(other) for other in others} <= set(_read_pids(children))
        wait_until(lambda: _serves_ten_requests(server), seconds=20)
        assert process.poll() is None


def test_a_worker_with_beat_finishes_its_current_email_on_sigterm(
    mailbox: MailServer, start_worker: StartWorker
) -> None:
    user, worker = someone(verified=False), start_worker()
    assert user.email
    mailbox.responses[user.email] = [lambda: _accept_after_sigterm(worker)]

    outbox.verification(user)

    assert worker.wait(timeout=30) == 0
    assert len(mailbox.accepted[user.email]) == 1
    assert OutboxEmail.objects.get(user=user).state == EmailState.SENT
    _assert_sent_only_once(mailbox, user.email, start_worker)


def test_a_worker_with_beat_loses_no_email_on_a_second_sigterm(mailbox: MailServer, start_worker: StartWorker) -> None:
    user, worker = someone(verified=False), start_worker()
    assert user.email
    mailbox.responses[user.email] = [lambda: _accept_after_sigterm(worker, times=2)]

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
    unavailable_urls = {
        "REDIS_URL": f"unix://{url_path(path)}?db=0",
        "CELERY_BROKER_URL": f"redis+socket://{url_path(path)}?virtual_host=1",
    }
    worker = start_worker(**unavailable_urls)
    with serving(faults_folder, **unavailable_urls) as (_process, server):
        user = someone()
        revoked, kept = signed_in(server, user), signed_in(server, user)
        assert is_alive(server, kept)
        assert server.send(ApiRequest("POST", "/logout", token=revoked.access)).status == 200
        assert is_revoked(server, revoked)
        assert readiness(server)["status"] == "degraded"

        redis = redis_server.start_for_tests()
        try:
            path.symlink_to(redis.socket)
            wait_until(lambda: readiness(server)["redis"] == "ok", seconds=5)
            assert is_revoked(server, revoked)
            assert is_alive(server, kept)
            other_user = someone(verified=False)
            outbox.verification(other_user)
            wait_until(lambda: mailbox.accepted[str(other_user.email)], seconds=30)
            assert worker.poll() is None
        finally:
            processes.stop(worker, grace=5)
            redis.stop()
            path.unlink()


def _read_pids(path: str) -> list[str]:
    return Path(path).read_text().split()


def _rejects_connections(server: LiveServer) -> bool:
    """Return whether the server refuses new connections."""
    try:
        socket.create_connection((HOST, server.port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def _serves_ten_requests(server: LiveServer) -> bool:
    try:
        return all(server.send(ApiRequest("GET", "/me")).status == 401 for _ in range(10))
    except OSError:
        return False


def _accept_after_sigterm(worker: Process, *, times: int = 1) -> str:
    """Send SIGTERM to the worker before the mail server accepts the message."""
    for _ in range(times):
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    return OK


def _assert_sent_only_once(mailbox: MailServer, email: str, start_worker: StartWorker) -> None:
    """Wait until the next worker has sent another email: by then it has also retried any unsent one."""
    start_worker()
    other_user = someone(verified=False)
    outbox.verification(other_user)
    wait_until(lambda: mailbox.accepted[str(other_user.email)], seconds=15)
    assert len(mailbox.accepted[email]) == 1
