"""A client for many kinds of requests at once: streams of connections that ask, hear the answer, pause and ask again."""

import heapq
import itertools
import re
import selectors
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from socket import create_connection
from socket import socket as Socket  # noqa: N812 - a field has its name

from benchmarks.load.answers import complete
from benchmarks.load.plan import Ask

_TICK_SECONDS = 0.05
_RETRY_AFTER = re.compile(rb"(?i)\r\nretry-after: *(\d+)")


@dataclass(frozen=True)
class Answer:
    """`status` is 0 where the server hung up instead."""

    status: int
    text: bytes
    seconds: float

    @property
    def retry_after(self) -> int | None:
        found = _RETRY_AFTER.search(self.text)
        return int(found[1]) if found else None


@dataclass
class Stream:
    """`asks` brings the next request of each connection, which is sent the last answer, None at first. It ends when they do."""

    name: str
    connections: int
    asks: Callable[[int], Iterator[Ask]]
    is_right: Callable[[Answer], bool] = lambda answer: answer.status == 200
    pause: Callable[[Answer], float] = lambda _answer: 0.0
    on_answer: Callable[[int, Answer], None] = lambda _index, _answer: None
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0

    def ms(self, part: float) -> float:
        """The latency that this part of all stay below; the slowest for 1."""
        ordered = sorted(self.seconds) or [0.0]
        return 1000 * ordered[int((len(ordered) - 1) * part)]

    def take(self, index: int, answer: Answer) -> None:
        self.seconds.append(answer.seconds)
        self.statuses[answer.status] += 1
        self.wrong += not self.is_right(answer)
        self.on_answer(index, answer)


@dataclass
class _Connection:
    stream: Stream
    index: int
    asks: Iterator[Ask]
    socket: Socket | None = None
    since: float = 0.0
    is_waiting: bool = False
    received: bytearray = field(default_factory=bytearray)


class Client:
    """One thread. `run` returns when all streams have ended, or some time after `is_over` says so."""

    def __init__(self, port: int, streams: Sequence[Stream]) -> None:
        self._address = ("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, _Connection]] = []
        self._order = itertools.count()
        for stream in streams:
            for index in range(stream.connections):
                self._put_off(_Connection(stream, index, stream.asks(index)), 0.0)

    def run(self, is_over: Callable[[], bool] = lambda: False, *, patience: float = 10.0) -> float:
        """Seconds that it took. Answers under way at the end are waited for as long as `patience`."""
        started = time.perf_counter()
        while (self._due or self._selector.get_map()) and not is_over():
            self._send_due()
            self._receive()
        ended = time.perf_counter()
        for _at, _number, connection in self._due:
            self._hang_up(connection)
        self._due.clear()
        while self._selector.get_map() and time.perf_counter() - ended < patience:
            self._receive(is_over=True)
        for key in list(self._selector.get_map().values()):
            self._hang_up(key.data)
        self._selector.close()
        return ended - started

    def _put_off(self, connection: _Connection, seconds: float) -> None:
        heapq.heappush(self._due, (time.perf_counter() + seconds, next(self._order), connection))

    def _send_due(self) -> None:
        while self._due and self._due[0][0] <= time.perf_counter():
            self._send(heapq.heappop(self._due)[2])

    def _send(self, connection: _Connection) -> None:
        ask = next(connection.asks, None)
        if ask is None:
            self._hang_up(connection)
            return
        if connection.socket is None:
            connection.socket = create_connection(self._address)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.received.clear()
        connection.is_waiting, connection.since = True, time.perf_counter()
        connection.socket.sendall(ask.encoded(f"127.0.0.1:{self._address[1]}"))

    def _receive(self, *, is_over: bool = False) -> None:
        soonest = max(0.0, self._due[0][0] - time.perf_counter()) if self._due else _TICK_SECONDS
        for key, _events in self._selector.select(min(soonest, _TICK_SECONDS)):
            connection: _Connection = key.data
            part = key.fileobj.recv(65536)  # type: ignore[union-attr] # they are sockets
            connection.received += part
            found = complete(connection.received)
            if part and found is None:
                continue
            if not part or is_over:
                self._hang_up(connection)
            if connection.is_waiting:
                self._take(connection, found or b"", is_over=is_over)

    def _take(self, connection: _Connection, text: bytes, *, is_over: bool) -> None:
        connection.is_waiting = False
        status = int(text[9:12]) if text[9:12].isdigit() else 0
        answer = Answer(status, text, time.perf_counter() - connection.since)
        connection.stream.take(connection.index, answer)
        if not is_over:
            self._go_on(connection, answer)

    def _go_on(self, connection: _Connection, answer: Answer) -> None:
        pause = connection.stream.pause(answer)
        if pause:
            self._put_off(connection, pause)
        else:
            self._send(connection)

    def _hang_up(self, connection: _Connection) -> None:
        if connection.socket is None:
            return
        self._selector.unregister(connection.socket)
        connection.socket.close()
        connection.socket = None
