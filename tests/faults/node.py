"""A node that can be killed at any time and restarts at once: the application in a forked process, on a persistent socket.

Run as a module, it is the supervisor: it loads the application, listens, and forks a new server whenever the last one has
died. CLOCK_SHIFT shifts the clock of the supervisor and of its servers by that many seconds.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import time_machine
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection
from django.test import Client

from config.wsgi import application
from core.dev import processes
from core.paths import BASE_DIR
from core.testing.live_server import HOST, LiveServer, environment
from core.web_server import bind_address

_START_SECONDS = 30.0
_STOP_SECONDS = 3.0


class Node:
    """`server` receives the requests; `kill` sends SIGKILL to the process that serves them."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.server = LiveServer(port)

    def kill(self) -> None:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in map(int, children):
            os.kill(child, signal.SIGKILL)


@contextmanager
def running(folder: Path, *, clock_shift: float = 0, **variables: str) -> Iterator[Node]:
    """Run a node on the database of `live_database`; `variables` extend the environment."""
    with socket.create_server((HOST, 0), backlog=128) as listener:
        port = int(listener.getsockname()[1])
        shift = {"CLOCK_SHIFT": str(clock_shift)}
        log = folder / f"node-{port}.log"
        with log.open("wb") as output:
            process = processes.start(
                [sys.executable, "-m", __name__, str(listener.fileno())],
                cwd=BASE_DIR,
                env=environment(**(shift | variables)),
                stdout=output,
                stderr=output,
                pass_fds=(listener.fileno(),),
            )
    try:
        processes.wait_until(
            lambda: bind_address.answers(HOST, port, "/healthz"), process, log=log, seconds=_START_SECONDS
        )
        yield Node(process, port)
    finally:
        processes.stop(process, grace=_STOP_SECONDS)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        return


def _supervise(listener: socket.socket) -> None:
    _warm_up()
    while True:
        child = os.fork()
        if not child:
            _serve(listener)
        os.waitpid(child, 0)


def _warm_up() -> None:
    """Load before the fork everything that a first request loads, so that the next server responds at once."""
    browser = Client(SERVER_NAME="localhost")
    response = browser.post("/api/auth/refresh", {"refreshToken": "x"}, content_type="application/json")
    assert response.status_code == HTTPStatus.UNAUTHORIZED, response.content
    connection.ensure_connection()
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]
    _await_threads()


def _await_threads() -> None:
    """Wait for all other threads: a lock that a thread holds at the fork (an import lock) stays locked in the child."""
    while threading.active_count() > 1:
        time.sleep(0.01)


def _serve(listener: socket.socket) -> None:
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    server = ThreadedWSGIServer((HOST, 0), _Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = HOST, int(listener.getsockname()[1])
    server.setup_environ()
    server.set_app(application)
    server.serve_forever(poll_interval=5)


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(0)


if __name__ == "__main__":
    now = datetime.now(UTC) + timedelta(seconds=float(os.environ["CLOCK_SHIFT"]))
    with time_machine.travel(now, tick=True):
        _supervise(socket.socket(fileno=int(sys.argv[1])))
