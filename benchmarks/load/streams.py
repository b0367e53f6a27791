"""A client for many kinds of requests at once: streams of connections that send, receive, pause and repeat."""

import heapq
import itertools
import re
import selectors
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from socket import create_connection
from socket import socket as Socket  # noqa: N812 - a field has the name socket

from benchmarks.load.plan import Request
from benchmarks.load.responses import complete

_TICK_SECONDS = 0.05
_RETRY_AFTER = re.compile(rb"(?i)\r\nretry-after: *(\d+)")


@dataclass(frozen=True)
class StreamResponse:
    """`status` is 0 if the server closed the connection."""

    status: int
    text: bytes
    seconds: float

    @property
    def retry_after(self) -> int | None:
        match = _RETRY_AFTER.search(self.text)
        return int(match[1]) if match else None


@dataclass
class Stream:
    """`requests` yields the next request of each connection; the stream ends when they end."""

    name: str
    connections: int
    requests: Callable[[int], Iterator[Request]]
    is_correct: Callable[[StreamResponse], bool] = lambda response: response.status == 200
    pause: Callable[[StreamResponse], float] = lambda _response: 0.0
    on_response: Callable[[int, StreamResponse], None] = lambda _index, _response: None
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0

    def ms(self, part: float) -> float:
        """Return this quantile of the latencies; the maximum for 1."""
        ordered = sorted(self.seconds) or [0.0]
        return 1000 * ordered[int((len(ordered) - 1) * part)]

    def record(self, index: int, response: StreamResponse) -> None:
        self.seconds.append(response.seconds)
        self.statuses[response.status] += 1
        self.wrong += not self.is_correct(response)
        self.on_response(index, response)


@dataclass
class _Connection:
    stream: Stream
    index: int
    requests: Iterator[Request]
    socket: Socket | None = None
    since: float = 0.0
    is_waiting: bool = False
    received: bytearray = field(default_factory=bytearray)


class Client:
    """Runs in one thread. `run` returns when all streams have ended, or shortly after `is_finished` returns True."""

    def __init__(self, port: int, streams: Sequence[Stream]) -> None:
        self._address = ("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, _Connection]] = []
        self._order = itertools.count()
        for stream in streams:
            for index in range(stream.connections):
                self._schedule(_Connection(stream, index, stream.requests(index)), 0.0)

    def run(self, is_finished: Callable[[], bool] = lambda: False, *, drain_seconds: float = 10.0) -> float:
        """Return the duration in seconds. Wait `drain_seconds` for responses in progress at the end."""
        started = time.perf_counter()
        while (self._due or self._selector.get_map()) and not is_finished():
            self._send_due()
            self._receive()
        ended = time.perf_counter()
        for _at, _number, connection in self._due:
            self._close(connection)
        self._due.clear()
        while self._selector.get_map() and time.perf_counter() - ended < drain_seconds:
            self._receive(is_finished=True)
        for key in list(self._selector.get_map().values()):
            self._close(key.data)
        self._selector.close()
        return ended - started

    def _schedule(self, connection: _Connection, seconds: float) -> None:
        heapq.heappush(self._due, (time.perf_counter() + seconds, next(self._order), connection))

    def _send_due(self) -> None:
        while self._due and self._due[0][0] <= time.perf_counter():
            self._send(heapq.heappop(self._due)[2])

    def _send(self, connection: _Connection) -> None:
        request = next(connection.requests, None)
        if request is None:
            self._close(connection)
            return
        if connection.socket is None:
            connection.socket = create_connection(self._address)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.received.clear()
        connection.is_waiting, connection.since = True, time.perf_counter()
        connection.socket.sendall(request.encoded(f"127.0.0.1:{self._address[1]}"))

    def _receive(self, *, is_finished: bool = False) -> None:
        next_due = max(0.0, self._due[0][0] - time.perf_counter()) if self._due else _TICK_SECONDS
        for key, _events in self._selector.select(min(next_due, _TICK_SECONDS)):
            connection: _Connection = key.data
            part = key.fileobj.recv(65536)  # type: ignore[union-attr] # all are sockets
            connection.received += part
            response = complete(connection.received)
            if part and response is None:
                continue
            if not part or is_finished:
                self._close(connection)
            if connection.is_waiting:
                self._record(connection, response or b"", is_finished=is_finished)

    def _record(self, connection: _Connection, text: bytes, *, is_finished: bool) -> None:
        connection.is_waiting = False
        status = int(text[9:12]) if text[9:12].isdigit() else 0
        response = StreamResponse(status, text, time.perf_counter() - connection.since)
        connection.stream.record(connection.index, response)
        if not is_finished:
            self._continue(connection, response)

    def _continue(self, connection: _Connection, response: StreamResponse) -> None:
        pause = connection.stream.pause(response)
        if pause:
            self._schedule(connection, pause)
        else:
            self._send(connection)

    def _close(self, connection: _Connection) -> None:
        if connection.socket is None:
            return
        self._selector.unregister(connection.socket)
        connection.socket.close()
        connection.socket = None
