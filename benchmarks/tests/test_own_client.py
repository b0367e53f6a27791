"""The benchmark's own client, against a server that issues tokens one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.load.own_client import OwnClient
from benchmarks.load.plan import CONNECTIONS, Plan, Request, Sample


class _Counter(BaseHTTPRequestHandler):
    """Returns the token of the request plus one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        count = int(self.headers["X-Count"]) + 1
        self.respond(200, f'{{"next": "{count}", "odd": {count % 2}}}'.encode())

    def do_DELETE(self) -> None:
        self.respond(401, self.headers["X-Count"].encode())

    def respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the test output quiet."""


@contextmanager
def _server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Counter)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _sample(plan: Plan) -> Sample:
    with _server() as port:
        return OwnClient(port, plan, seconds=0.2).run()


def test_each_response_contains_the_token_of_the_next_request() -> None:
    request = Request("GET", "/", {"X-Count": "{token}"})

    sample = _sample(Plan(request, '"next"', tokens=("0",), next_token="next"))

    assert sample.requests >= CONNECTIONS
    assert sample.wrong == 0
    assert 0 < sample.p50_ms <= sample.p99_ms


def test_response_without_the_expected_text_is_wrong() -> None:
    request = Request("GET", "/", {"X-Count": "{token}"})

    sample = _sample(Plan(request, '"odd": 1', tokens=("0", "1")))

    assert 0 < sample.wrong < sample.requests


def test_once_sends_each_token_once_and_checks_the_status() -> None:
    request = Request("DELETE", "/", {"X-Count": "{token}"})
    tokens = tuple(str(number) for number in range(3 * CONNECTIONS + 5))

    right = _sample(Plan(request, "", tokens=tokens, once=True, status=401))
    wrong = _sample(Plan(request, "", tokens=tokens, once=True))

    assert (right.requests, right.wrong) == (len(tokens), 0)
    assert wrong.wrong == len(tokens)
