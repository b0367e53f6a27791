"""Behaviour that needs a real server: chunked bodies, unusual request lines, raw bytes in paths, and slow clients."""

import http.client
import json
import re
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import signed_in, someone
from core.testing import live_database, live_server
from core.testing.live_server import HOST, ApiRequest, ApiResponse, LiveServer

KNOWN = b'{"email": "unknown@example.com"}'
THREE_MB = 3 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("wire")
    with live_database.in_use(folder, django_db_blocker), live_server.running(folder) as running:
        yield running


def test_a_json_body_in_chunks_is_read(server: LiveServer) -> None:
    response = _post_in_chunks(server, [KNOWN[:7], KNOWN[7:]])

    assert (response.status, response.code) == (200, "ok")


def test_a_chunked_body_over_the_limit_is_refused_in_the_envelope(server: LiveServer) -> None:
    response = _post_in_chunks(server, [b'{"x": "', *[b"x" * 8192] * 9, b'"}'])

    assert (response.status, response.code) == (413, "payload_too_large")


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
def test_three_megabytes_are_refused_in_the_envelope(server: LiveServer, chunked: bool) -> None:
    body = b'{"x": "' + b"x" * THREE_MB + b'"}'
    parts = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]

    response = _post_in_chunks(server, parts) if chunked else _post(server, "/api/auth/forgot-password", body)

    assert (response.status, response.code) == (413, "payload_too_large")
    assert server.send(ApiRequest("GET", "/me")).status == 401


def test_incomplete_bodies_block_no_other_client(server: LiveServer) -> None:
    head = _head("POST", "/api/auth/login", "Content-Type: application/json", "Content-Length: 50000")
    with ExitStack() as stack:
        for _ in range(50):  # more than twice the number of concurrent requests
            client = stack.enter_context(socket.create_connection((HOST, server.port), timeout=5))
            client.sendall(head + b'{"us')

        started = time.monotonic()
        for _ in range(20):
            assert server.send(ApiRequest("GET", "/me")).status == 401
        assert time.monotonic() - started < 2


def test_slow_headers_block_no_other_client(server: LiveServer) -> None:
    with ExitStack() as stack:
        for _ in range(50):  # more than the server has threads
            client = stack.enter_context(socket.create_connection((HOST, server.port), timeout=5))
            client.sendall(b"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\nX-Slow")

        started = time.monotonic()
        assert server.send(ApiRequest("GET", "/me")).status == 401
        assert time.monotonic() - started < 2


def test_a_client_that_sends_one_byte_at_a_time_is_served(server: LiveServer) -> None:
    raw = _head("POST", "/api/auth/forgot-password", "Content-Type: application/json", f"Content-Length: {len(KNOWN)}")
    with socket.create_connection((HOST, server.port), timeout=5) as client:
        for byte in raw + KNOWN:
            client.send(bytes([byte]))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert json.loads(answer.read())["success"] is True


def test_header_lines_of_8_kib_are_accepted(server: LiveServer) -> None:
    for name in ("X-Long", "Accept-Language", "User-Agent", "Cookie", "Referer"):
        line = f"{name}: ".ljust(8 * 1024, "x")

        assert _send(server, "GET", "/api/auth/me", line).status == 401
    bearer = "Authorization: Bearer ".ljust(8 * 1024, "x")
    assert _send(server, "GET", "/api/auth/me", bearer).code == "token_invalid"


@pytest.mark.parametrize(
    "path",
    ["/api/auth/%00", "/api/auth/%ff", "/api/auth/sessions/%00", "/api/%0d%0aX:%20y", "/api/auth/a%2fb", "/api/%"],
)
def test_bytes_in_a_path_are_not_found(server: LiveServer, path: str) -> None:
    response = _send(server, "GET", path)

    assert (response.status in {401, 404}, response.headers["Content-Type"]) == (True, "application/json")
    assert response.code in {"authentication_required", "not_found"}
    assert "X" not in response.headers


def test_raw_bytes_in_a_path_cause_no_server_error(server: LiveServer) -> None:
    assert (
        server.send_bytes(b"GET /api/auth/\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").status
        < 500
    )


def test_raw_bytes_in_headers_cause_no_server_error(server: LiveServer) -> None:
    for name in (b"Authorization", b"Cookie", b"Accept-Language", b"User-Agent", b"Origin", b"X-Token-Transport"):
        raw = (
            b"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\n"
            + name
            + b": Bearer \xff\xfe\x80\r\nConnection: close\r\n\r\n"
        )

        assert server.send_bytes(raw).status == 401


def test_head_has_headers_and_no_body(server: LiveServer) -> None:
    for path, status in (
        ("/healthz", 200),
        ("/api/auth/me", 401),
        ("/api/auth/no-such-path", 404),
        ("/api/auth/verify-email", 200),
    ):
        response = _send(server, "HEAD", path)

        assert (response.status, response.raw) == (status, b"")


def test_an_absolute_url_in_the_request_line_is_routed_by_its_path(server: LiveServer) -> None:
    response = _send(server, "GET", f"http://localhost:{server.port}/api/auth/me")

    assert (response.status, response.code) == (401, "authentication_required")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost@evil.example", "localhost:port", "a b", "[::1", "localhost\t.evil"]
)
def test_a_disallowed_host_is_a_bad_request(server: LiveServer, host: str) -> None:
    raw = f"GET /api/auth/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

    response = server.send_bytes(raw)

    assert response.status == 400
    assert not response.raw or response.code == "bad_request"


def test_content_length_with_chunks_smuggles_no_request(server: LiveServer) -> None:
    inner = b"GET /api/auth/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lines = ["Content-Type: application/json", "Content-Length: 5", "Transfer-Encoding: chunked"]
    raw = _head("POST", "/api/auth/login", *lines) + b"0\r\n\r\n" + inner

    with socket.create_connection((HOST, server.port), timeout=5) as client:
        client.sendall(raw)
        answers = _read_all(client)

    assert answers.count(b"HTTP/1.1") == 1
    assert b"HTTP/1.1 400" in answers


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: +5"],
        ["Content-Length: 5, 5"],
        ["Content-Length: -1"],
        ["Content-Length: 0x5"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: chunked, x"],
        ["Transfer-Encoding: \x0bchunked"],
        ["Transfer-Encoding : chunked"],
        ["X-Folded: a", " Transfer-Encoding: chunked"],
        ["X-Null: a\x00b"],
    ],
)
def test_ambiguous_framing_is_refused_and_ends_the_connection(server: LiveServer, lines: list[str]) -> None:
    answers = _send_with_a_second_request(server, lines, b"hello")

    assert answers.startswith(b"HTTP/1.1 400")
    assert answers.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "chunks",
    [
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5g\r\nhello\r\n0\r\n\r\n",
        b"f" * 17,
        b"5\nhello\n0\n\n",
    ],
)
def test_a_malformed_chunk_is_a_bad_request_and_ends_the_connection(server: LiveServer, chunks: bytes) -> None:
    answers = _send_with_a_second_request(server, ["Transfer-Encoding: chunked"], chunks)

    assert answers.startswith(b"HTTP/1.1 400")
    assert answers.count(b"HTTP/1.1") == 1


def test_head_of_a_streamed_response_has_its_headers_and_no_body(server: LiveServer) -> None:
    tokens = signed_in(server, someone())
    line = f"Authorization: Bearer {tokens.access}"

    head, get = (_send(server, method, "/api/auth/me/export", line) for method in ("HEAD", "GET"))

    assert (head.status, head.raw) == (200, b"")
    assert "Content-Length" not in head.headers
    assert head.headers["Content-Type"] == get.headers["Content-Type"] == "application/json"
    assert get.headers["Transfer-Encoding"] == "chunked"
    assert get.data["activity"]


def test_a_body_that_ends_early_changes_nothing(server: LiveServer) -> None:
    user = someone()
    body = json.dumps({"username": user.username, "password": PASSWORD}).encode()
    head = _head("POST", "/api/auth/login", "Content-Type: application/json", f"Content-Length: {len(body) + 1}")

    with socket.create_connection((HOST, server.port), timeout=5) as client:
        client.sendall(head + body)
        client.shutdown(socket.SHUT_WR)
        answers = _read_all(client)

    assert b" 200 " not in answers
    assert not user.sessions.exists()


def test_a_header_with_an_underscore_does_not_pass_for_one_with_a_hyphen(server: LiveServer) -> None:
    tokens = signed_in(server, someone())
    cookie = f"Cookie: jwt={tokens.access}"

    forged = _send(
        server, "POST", "/api/auth/refresh", "X_Token_Transport: nonsense", f"Cookie: refreshToken={tokens.refresh}"
    )
    assert (forged.status, forged.code) == (200, "ok")
    crossed = ["Sec-Fetch-Site: cross-site", "Sec_Fetch_Site: none"]
    for lines in (crossed, crossed[::-1]):
        assert _send(server, "POST", "/api/auth/logout-all", cookie, *lines).code == "origin_not_allowed"


def test_two_hundred_idle_or_slow_connections_block_no_other_client(server: LiveServer) -> None:
    with ExitStack() as stack:
        for number in range(200):
            client = stack.enter_context(socket.create_connection((HOST, server.port), timeout=5))
            client.sendall(_head("POST", "/api/auth/login", "Content-Length: 9") + b"{" if number % 2 else b"GET /he")

        started = time.monotonic()
        for _ in range(20):
            assert server.send(ApiRequest("GET", "/me")).status == 401
        assert time.monotonic() - started < 2


@pytest.mark.usefixtures("server")  # its database
def test_the_connections_of_a_process_do_not_shrink_with_the_number_of_processes(tmp_path: Path) -> None:
    """The server's default would be 256 for each of four processes, but the first process may accept all connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with live_server.running(tmp_path, WEB_WORKERS="4") as running, ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1015):
            client = stack.enter_context(socket.create_connection((HOST, running.port), timeout=5))
            client.sendall(b"GET /he")

        started = time.monotonic()
        for _ in range(20):
            assert running.send(ApiRequest("GET", "/me")).status == 401
        assert time.monotonic() - started < 5


def test_pipelined_requests_get_responses_in_order(server: LiveServer) -> None:
    paths = [b"/healthz", b"/api/auth/me", b"/no-such-page", b"/healthz"]
    raw = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths)

    with socket.create_connection((HOST, server.port), timeout=5) as client:
        client.sendall(raw + b"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = _read_all(client)

    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"401", b"404", b"200", b"401"]


def test_a_client_that_expects_continue_receives_it(server: LiveServer) -> None:
    lines = ["Content-Type: application/json", f"Content-Length: {len(KNOWN)}", "Expect: 100-continue"]
    with socket.create_connection((HOST, server.port), timeout=5) as client:
        client.sendall(_head("POST", "/api/auth/forgot-password", *lines))
        assert client.recv(1024).startswith(b"HTTP/1.1 100")
        client.sendall(KNOWN)
        assert _read_all(client).startswith(b"HTTP/1.1 200")


def test_a_body_without_a_media_type_is_unsupported(server: LiveServer) -> None:
    response = _send(server, "POST", "/api/auth/login", f"Content-Length: {len(KNOWN)}", body=KNOWN)

    assert (response.status, response.code) == (415, "unsupported_media_type")


def test_a_post_without_a_body_needs_no_media_type(server: LiveServer) -> None:
    assert _send(server, "POST", "/api/auth/logout").status == 200
    assert _send(server, "POST", "/api/auth/logout", "Content-Length: 0").status == 200


def test_a_connection_serves_one_request_after_the_other_also_after_an_error(server: LiveServer) -> None:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
    headers = {"Content-Type": "application/json"}
    for body, status in ((b"[", 400), (b"x" * 70_000, 413), (KNOWN, 200), (b"{", 400), (KNOWN, 200)):
        connection.request("POST", "/api/auth/forgot-password", body, headers)
        response = connection.getresponse()

        assert (response.status, response.read()[:1]) == (status, b"{")
    connection.close()


def test_every_response_forbids_sniffing_and_reveals_no_version(server: LiveServer) -> None:
    for path in ("/api/auth/me", "/api/no-such-path", "/healthz", "/", "/no-such-page"):
        response = _send(server, "GET", path)

        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert not any(char.isdigit() for char in response.headers.get("Server", ""))


def _head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]).encode()


def _send(server: LiveServer, method: str, path: str, *lines: str, body: bytes = b"") -> ApiResponse:
    return server.send_bytes(_head(method, path, *lines) + body)


def _post(server: LiveServer, path: str, body: bytes) -> ApiResponse:
    return _send(server, "POST", path, "Content-Type: application/json", f"Content-Length: {len(body)}", body=body)


def _post_in_chunks(server: LiveServer, parts: list[bytes]) -> ApiResponse:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
    lines = ["Content-Type: application/json", "Transfer-Encoding: chunked"]
    return _send(server, "POST", "/api/auth/forgot-password", *lines, body=chunks)


def _send_with_a_second_request(server: LiveServer, lines: list[str], body: bytes) -> bytes:
    """Send an ambiguously framed request, followed by a request that must get no response."""
    first = "\r\n".join(
        ["POST /api/auth/login HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines, "", ""]
    )
    second = b"GET /api/auth/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection((HOST, server.port), timeout=5) as client:
        client.sendall(first.encode("latin-1") + body + second)
        client.shutdown(socket.SHUT_WR)
        return _read_all(client)


def _read_all(client: socket.socket) -> bytes:
    received = b""
    while part := client.recv(65_536):
        received += part
    return received
