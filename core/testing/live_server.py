"""The real web server, as `make serve` starts it, on a free port and a database of its own: for sockets, threads, processes."""

import http.client
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.dev import bind_address, processes
from core.paths import BASE_DIR
from core.testing import live_database
from core.testing.redis_url import redis_url_for_worker

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_ANSWER_SECONDS = 20.0


@dataclass(frozen=True)
class Ask:
    """A request below /api/auth; `token` is the access token that it bears."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    token: str | None = None


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["data"]
        return found

    @property
    def code(self) -> str:
        """`ok`, or the code of the failure."""
        return "ok" if self.json["success"] else str(self.json["code"])


@dataclass(frozen=True)
class LiveServer:
    port: int

    def send(self, ask: Ask) -> Reply:
        return self.send_at_once([ask])[0]

    def send_at_once(self, asks: Sequence[Ask]) -> list[Reply]:
        """All requests on connections that are open already, released by one barrier; the replies in the same order."""
        barrier = threading.Barrier(len(asks))
        with ThreadPoolExecutor(len(asks)) as pool:
            return list(pool.map(lambda ask: self._send(ask, barrier), asks))

    def _send(self, ask: Ask, barrier: threading.Barrier) -> Reply:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.connect()
            barrier.wait(timeout=_ANSWER_SECONDS)
            connection.request(ask.method, f"/api/auth{ask.path}", *_encoded(ask))
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def send_bytes(self, raw: bytes) -> Reply:
        """Whatever a client may write to the socket, and the one answer that comes back."""
        with socket.create_connection((HOST, self.port), timeout=_ANSWER_SECONDS) as client:
            client.sendall(raw)
            response = http.client.HTTPResponse(client, method=raw.split(b" ", 1)[0].decode())
            response.begin()
            return Reply(response.status, response.headers, response.read())


def _encoded(ask: Ask) -> tuple[bytes | None, dict[str, str]]:
    headers = {"Authorization": f"Bearer {ask.token}"} if ask.token else {}
    if ask.body is None:
        return None, headers
    return json.dumps(ask.body).encode(), headers | {"Content-Type": "application/json"}


@contextmanager
def running(folder: Path, *, options: Sequence[str] = (), **variables: str) -> Iterator[LiveServer]:
    """Two processes, each at ten requests at once, on the database of `live_database`; `variables` join the environment."""
    port = bind_address.free_port(HOST)
    log = folder / "web.log"
    sizes = {"HOST": HOST, "PORT": str(port), "WEB_WORKERS": "2", "WEB_THREADS": "10"}
    with log.open("wb") as output:
        process = processes.start(
            [sys.executable, "manage.py", "serve", *options],
            cwd=BASE_DIR,
            env=environment(**(sizes | variables)),
            stdout=output,
            stderr=output,
        )
    try:
        processes.wait_until(
            lambda: bind_address.answers(HOST, port, "/healthz"), process, log=log, seconds=_START_SECONDS
        )
        yield LiveServer(port)
    finally:
        processes.stop(process, grace=_STOP_SECONDS)


def environment(**variables: str) -> dict[str, str]:
    """Of a process that serves the live database, beside this process's Redis: cheap hashes and no rate limits."""
    own = {
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "DATABASE_URL": live_database.current_url(),
        "REDIS_URL": redis_url_for_worker(),
        "CELERY_BROKER_URL": redis_url_for_worker(broker=True),
        "BCRYPT_ROUNDS": "4",
        "RATE_LIMITS": "off",
    }
    return os.environ | own | variables
