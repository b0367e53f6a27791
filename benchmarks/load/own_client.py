"""The benchmark's own client, for machines without `wrk` and for loads of a fixed size: one thread, 16 connections."""

import re
import selectors
import socket
import time
from dataclasses import dataclass, field

from benchmarks.load.plan import CONNECTIONS, Plan, Sample
from benchmarks.load.responses import complete

_TIMEOUT_SECONDS = 30.0


@dataclass
class _Connection:
    index: int
    socket: socket.socket
    token: str = ""
    sent: int = 0
    number: int = 0
    since: float = 0.0
    received: bytearray = field(default_factory=bytearray)


class OwnClient:
    def __init__(self, port: int, plan: Plan, seconds: float) -> None:
        self._address, self._plan, self._seconds = ("127.0.0.1", port), plan, seconds
        self._latencies: list[float] = []
        self._wrong = 0

    def run(self) -> Sample:
        with selectors.DefaultSelector() as selector:
            for index in range(CONNECTIONS):
                connection = _Connection(index, socket.create_connection(self._address), self._token(index))
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            started = time.perf_counter()
            for key in list(selector.get_map().values()):
                self._send(selector, key.data, until=started + self._seconds)
            self._receive_all(selector, until=started + self._seconds)
            seconds = time.perf_counter() - started
        return _summary(self._latencies, seconds, self._wrong)

    def _token(self, index: int) -> str:
        return self._plan.tokens[index % len(self._plan.tokens)] if self._plan.tokens else ""

    def _receive_all(self, selector: selectors.BaseSelector, *, until: float) -> None:
        while selector.get_map():
            ready = selector.select(_TIMEOUT_SECONDS)
            if not ready:
                raise TimeoutError("A server did not respond for half a minute.")
            for key, _events in ready:
                connection: _Connection = key.data
                part = connection.socket.recv(65536)
                connection.received += part
                response = complete(connection.received)
                if response is None and part:
                    continue
                self._check(connection, response or b"")
                self._send(selector, connection, until=until if part else 0)

    def _send(self, selector: selectors.BaseSelector, connection: _Connection, *, until: float) -> None:
        plan, index = self._plan, connection.index + connection.sent * CONNECTIONS
        is_finished = index >= len(plan.tokens) if plan.once else time.perf_counter() >= until
        if is_finished:
            selector.unregister(connection.socket)
            connection.socket.close()
            return
        connection.number = plan.first + (index % plan.wraps if plan.wraps else index)
        token = plan.tokens[index] if plan.once else connection.token
        other = plan.others[index % len(plan.others)] if plan.others else ""
        request = plan.request.filled(token=token, other=other, number=connection.number)
        connection.sent += 1
        connection.received.clear()
        connection.since = time.perf_counter()
        connection.socket.sendall(request.encoded(f"127.0.0.1:{self._address[1]}"))

    def _check(self, connection: _Connection, response: bytes) -> None:
        self._latencies.append(time.perf_counter() - connection.since)
        plan = self._plan
        expected = plan.expect.replace("{index}", str(connection.index)).replace("{number}", str(connection.number))
        is_correct = _has_status(response, plan.status) and expected.encode() in response
        if plan.next_token:
            match = re.search(rf'"{plan.next_token}"\s*:\s*"([^"]+)"'.encode(), response)
            is_correct = is_correct and match is not None
            connection.token = match[1].decode() if match else connection.token
        self._wrong += not is_correct


def _has_status(response: bytes, status: int) -> bool:
    return response[9:12] == str(status).encode() if status else response[9:10] == b"2"


def _summary(latencies: list[float], seconds: float, wrong: int) -> Sample:
    ordered = sorted(latencies) or [0.0]
    p50, p99 = (1000 * ordered[int((len(ordered) - 1) * part)] for part in (0.5, 0.99))
    return Sample(len(latencies), seconds, wrong, p50, p99)
