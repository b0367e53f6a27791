"""The client of many streams, against a server that counts and sometimes returns 503."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.load.plan import Request
from benchmarks.load.streams import Client, Stream, StreamResponse


class _Host(BaseHTTPRequestHandler):
    """Returns the requested path; /full is unavailable the first time, /gone closes the connection."""

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
        """Keep the test output quiet."""


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
    requests = iter([Request("GET", path)] * count) if count else itertools.repeat(Request("GET", path))
    return Stream(path, connections, lambda _index: requests)


def test_connections_of_a_stream_share_its_requests_and_each_response_counts_once() -> None:
    many, few = _stream("/many", 50, connections=4), _stream("/few", 3)

    with _server() as port:
        Client(port, [many, few]).run()

    assert (len(many.seconds), many.wrong) == (50, 0)
    assert few.statuses == {200: 3}
    assert 0 < many.ms(0.5) <= many.ms(0.99) <= many.ms(1)


def test_client_retries_after_retry_after() -> None:
    retry_after: list[int | None] = []
    stream = _stream("/full", 2)
    stream.pause = lambda response: 0.05 if response.status == 503 else 0.0
    stream.on_response = lambda _index, response: retry_after.append(response.retry_after)

    with _server() as port:
        seconds = Client(port, [stream]).run()

    assert stream.statuses == {503: 1, 200: 1}
    assert retry_after == [7, None]
    assert seconds >= 0.05
    assert stream.wrong == 1


def test_closed_connection_is_a_wrong_response_and_is_reopened() -> None:
    stream = _stream("/gone", 3)

    with _server() as port:
        Client(port, [stream]).run()

    assert (stream.statuses, stream.wrong) == ({0: 3}, 3)


def test_endless_run_stops_when_it_is_finished() -> None:
    stream = _stream("/on", None, connections=2)

    with _server() as port:
        Client(port, [stream]).run(lambda: len(stream.seconds) >= 10)

    assert 10 <= len(stream.seconds) <= 14
    assert stream.wrong == 0


def test_response_parses_retry_after() -> None:
    assert StreamResponse(503, b"HTTP/1.1 503 x\r\nRetry-After: 12\r\n\r\n", 0.1).retry_after == 12
