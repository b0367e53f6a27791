"""The client of many streams, against a server that counts and now and then asks for patience."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.load.plan import Ask
from benchmarks.load.streams import Answer, Client, Stream


class _Host(BaseHTTPRequestHandler):
    """Answers whatever path it is asked for, except that it is full the first time, or hangs up."""

    protocol_version = "HTTP/1.1"
    full = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.close_connection = True
            return
        is_full = self.path == "/full" and not self.full.is_set()
        self.full.set()
        self.send_response(503 if is_full else 200)
        if is_full:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nobody reads it."""


@contextmanager
def _server() -> Iterator[int]:
    _Host.full.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Host)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _stream(path: str, count: int | None, *, connections: int = 1) -> Stream:
    asks = iter([Ask("GET", path)] * count) if count else itertools.repeat(Ask("GET", path))
    return Stream(path, connections, lambda _index: asks)


def test_connections_of_a_stream_share_its_requests_and_each_answer_is_counted_once() -> None:
    many, few = _stream("/many", 50, connections=4), _stream("/few", 3)

    with _server() as port:
        Client(port, [many, few]).run()

    assert (len(many.seconds), many.wrong) == (50, 0)
    assert few.statuses == {200: 3}
    assert 0 < many.ms(0.5) <= many.ms(0.99) <= many.ms(1)


def test_who_is_told_to_come_back_later_is_heard_and_does() -> None:
    heard: list[int | None] = []
    stream = _stream("/full", 2)
    stream.pause = lambda answer: 0.05 if answer.status == 503 else 0.0
    stream.on_answer = lambda _index, answer: heard.append(answer.retry_after)

    with _server() as port:
        seconds = Client(port, [stream]).run()

    assert stream.statuses == {503: 1, 200: 1}
    assert heard == [7, None]
    assert seconds >= 0.05
    assert stream.wrong == 1


def test_a_server_that_hangs_up_is_a_wrong_answer_and_is_called_again() -> None:
    stream = _stream("/gone", 3)

    with _server() as port:
        Client(port, [stream]).run()

    assert (stream.statuses, stream.wrong) == ({0: 3}, 3)


def test_a_run_without_an_end_of_its_own_stops_when_it_is_told() -> None:
    stream = _stream("/on", None, connections=2)

    with _server() as port:
        Client(port, [stream]).run(lambda: len(stream.seconds) >= 10)

    assert 10 <= len(stream.seconds) <= 14
    assert stream.wrong == 0


def test_an_answer_knows_when_to_come_back() -> None:
    assert Answer(503, b"HTTP/1.1 503 x\r\nRetry-After: 12\r\n\r\n", 0.1).retry_after == 12
