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

from core.dev import processes
from core.paths import BASE_DIR
from core.testing import live_database
from core.testing.redis_url import redis_url_for_worker
from core.web_server import bind_address

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_RESPONSE_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class ApiRequest:
    """A request below /api/auth, with the access token `token`."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    token: str | None = None


@dataclass(frozen=True)
class ApiResponse:
    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.raw)
        return body

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.json["data"]
        return data

    @property
    def code(self) -> str:
        """`ok`, or the code of the failure."""
        return "ok" if self.json["success"] else str(self.json["code"])


@dataclass(frozen=True)
class LiveServer:
    port: int

    def send(self, request: ApiRequest) -> ApiResponse:
        return self.send_at_once([request])[0]

    def send_at_once(self, requests: Sequence[ApiRequest]) -> list[ApiResponse]:
        """Send all requests at the same time, on open connections, and return the responses in the same order."""
        barrier = threading.Barrier(len(requests))
        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(lambda request: self._send(request, barrier), requests))

    def _send(self, request: ApiRequest, barrier: threading.Barrier) -> ApiResponse:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_RESPONSE_TIMEOUT_SECONDS)
        try:
            connection.connect()
            barrier.wait(timeout=_RESPONSE_TIMEOUT_SECONDS)
            connection.request(request.method, f"/api/auth{request.path}", *_encoded(request))
            response = connection.getresponse()
            return ApiResponse(response.status, response.headers, response.read())
        finally:
            connection.close()

    def send_bytes(self, raw: bytes) -> ApiResponse:
        """Write `raw` to a socket and return the one response."""
        with socket.create_connection((HOST, self.port), timeout=_RESPONSE_TIMEOUT_SECONDS) as client:
            client.sendall(raw)
            response = http.client.HTTPResponse(client, method=raw.split(b" ", 1)[0].decode())
            response.begin()
            return ApiResponse(response.status, response.headers, response.read())


def _encoded(request: ApiRequest) -> tuple[bytes | None, dict[str, str]]:
    headers = {"Authorization": f"Bearer {request.token}"} if request.token else {}
    if request.body is None:
        return None, headers
    return json.dumps(request.body).encode(), headers | {"Content-Type": "application/json"}


@contextmanager
def running(folder: Path, *, options: Sequence[str] = (), **variables: str) -> Iterator[LiveServer]:
    """Start two web processes with ten worker slots each, on the live database; add `variables` to the environment."""
    port = bind_address.free_port(HOST)
    log = folder / "web.log"
    sizes = {"HOST": HOST, "PORT": str(port), "WEB_WORKERS": "2", "WEB_THREADS": "10"}
    sizes["WEBAUTHN_ORIGINS"] = f"http://localhost:{port}"  # passkeys need a name instead of an IP
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
    """Return the environment of a server on the live database and on this process's Redis: cheap hashes, no rate limits."""
    own = {
        "DJANGO_SETTINGS_MODULE": "config.settings.base",
        "DATABASE_URL": live_database.current_url(),
        "REDIS_URL": redis_url_for_worker(),
        "CELERY_BROKER_URL": redis_url_for_worker(broker=True),
        "BCRYPT_ROUNDS": "4",
        "RATE_LIMITS": "off",
    }
    return os.environ | own | variables
