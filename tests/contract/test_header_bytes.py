"""Headers arrive with the bytes that were sent, also those above 127, which browsers do send in cookies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, refresh, signed_in, someone, tokens_of
from core.testing import live_database, live_server
from core.testing.live_server import ApiResponse, LiveServer
from sessions_tracking.models import Session

FOREIGN_BYTES = {"latin1": b"\xe9", "utf8": b"\xc3\xa9", "ff": b"\xff", "80": b"\x80"}
HEADERS = [
    b"Cookie", b"Authorization", b"User-Agent", b"X-Forwarded-For", b"X-Forwarded-Proto", b"Host", b"Origin", b"Referer",
    b"Accept-Language", b"X-Request-Id", b"X-Token-Transport", b"Content-Type", b"Sec-Fetch-Site",
    b"Access-Control-Request-Method", b"X-Unknown",
]  # fmt: skip
# Served by a fast path, by a view of the API, and by a page.
TARGETS = [
    (b"GET", b"/api/auth/me"),
    (b"POST", b"/api/auth/logout"),
    (b"GET", b"/api/auth/me/"),
    (b"GET", b"/admin/login/"),
]


@dataclass(frozen=True)
class CookieJar:
    """The two session cookies and a foreign cookie at `position`, as a browser sends them."""

    tokens: Tokens
    foreign: bytes
    position: int

    @property
    def header(self) -> bytes:
        cookies = [f"jwt={self.tokens.access}".encode(), f"refreshToken={self.tokens.refresh}".encode()]
        cookies.insert(self.position, b"theme=" + self.foreign)
        return b"Cookie: " + b"; ".join(cookies)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("bytes")
    with (
        live_database.in_use(folder, django_db_blocker),
        live_server.running(folder, TRUSTED_PROXIES="127.0.0.1") as running,
    ):
        yield running


@pytest.fixture(params=product(FOREIGN_BYTES.values(), range(3)), ids=lambda param: f"{param[0]!r}-{param[1]}")
def jar(request: pytest.FixtureRequest, server: LiveServer) -> CookieJar:
    foreign, position = request.param
    return CookieJar(signed_in(server, someone()), foreign, position)


def test_a_cookie_signs_in_beside_a_foreign_cookie(server: LiveServer, jar: CookieJar) -> None:
    for path in (b"/api/auth/me", b"/api/auth/me/", b"/api/auth/forward-auth"):
        assert _send(server, b"GET", path, jar.header).status == 200


def test_logout_beside_a_foreign_cookie_revokes_both_tokens(server: LiveServer, jar: CookieJar) -> None:
    response = _send(server, b"POST", b"/api/auth/logout", jar.header)

    assert response.status == 200
    assert server.send(me(jar.tokens.access)).code == "session_revoked"
    assert server.send(refresh(jar.tokens.refresh)).code == "session_revoked"


def test_the_refresh_cookie_works_beside_a_foreign_cookie(server: LiveServer, jar: CookieJar) -> None:
    response = _send(server, b"POST", b"/api/auth/refresh", jar.header)

    assert server.send(me(tokens_of(response).access)).status == 200


@pytest.mark.parametrize("foreign", FOREIGN_BYTES.values(), ids=FOREIGN_BYTES)
def test_a_token_that_holds_foreign_bytes_is_invalid_and_not_absent(server: LiveServer, foreign: bytes) -> None:
    tokens = signed_in(server, someone())
    damaged = tokens.access.encode() + foreign

    for header in (b"Cookie: jwt=" + damaged, b"Authorization: Bearer " + damaged):
        assert _send(server, b"GET", b"/api/auth/me", header).code == "token_invalid"
    both = f"Cookie: jwt={tokens.access}".encode() + b"\r\nAuthorization: Bearer " + damaged
    assert _send(server, b"GET", b"/api/auth/me", both).code == "token_invalid"
    damaged_refresh = b"Cookie: refreshToken=" + tokens.refresh.encode() + foreign
    assert _send(server, b"POST", b"/api/auth/refresh", damaged_refresh).code == "token_invalid"
    assert _send(server, b"POST", b"/api/auth/logout", damaged_refresh).status == 200
    assert server.send(me(tokens.access)).status == 200


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(b"caf\xc3\xa9", "café"), (b"caf\xe9", "café"), (b"\xff/1", "ÿ/1"), (b"a\x80b", "ab"), ("日本".encode(), "日本")],
)
def test_a_user_agent_is_stored_as_readable_text(server: LiveServer, sent: bytes, stored: str) -> None:
    user = someone()

    assert _log_in_with(server, user, b"User-Agent: " + sent).status == 200

    assert Session.objects.get(user=user).user_agent == stored


@pytest.mark.parametrize("foreign", FOREIGN_BYTES.values(), ids=FOREIGN_BYTES)
def test_the_client_ip_is_read_beside_foreign_bytes(server: LiveServer, foreign: bytes) -> None:
    user, unreadable = someone(), someone()

    assert _log_in_with(server, user, b"X-Forwarded-For: " + foreign + b", 198.51.100.7").status == 200
    assert _log_in_with(server, unreadable, b"X-Forwarded-For: 198.51.100.7, " + foreign).status == 200

    assert Session.objects.get(user=user).ip == "198.51.100.7"
    assert Session.objects.get(user=unreadable).ip == "127.0.0.1"


@pytest.mark.parametrize("foreign", FOREIGN_BYTES.values(), ids=FOREIGN_BYTES)
@pytest.mark.parametrize("name", HEADERS, ids=bytes.decode)
def test_foreign_bytes_in_a_header_are_no_server_error(server: LiveServer, name: bytes, foreign: bytes) -> None:
    for method, path in TARGETS:
        response = _send(server, method, path, name + b": a" + foreign + b"b", host=name != b"Host")

        assert response.status < 500, (method, path)


@pytest.mark.parametrize("foreign", FOREIGN_BYTES.values(), ids=FOREIGN_BYTES)
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        (b"Host", 400, "bad_request"),
        (b"Origin", 403, "origin_not_allowed"),
        (b"X-Token-Transport", 400, "validation_error"),
    ],
)
def test_an_unreadable_header_is_rejected_instead_of_ignored(
    server: LiveServer, name: bytes, status: int, code: str, foreign: bytes
) -> None:
    response = _log_in_with(server, someone(), name + b": " + foreign, host=name != b"Host")

    assert (response.status, response.code) == (status, code)
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("blank", [b"\x85", b"\xa0"])
def test_unicode_whitespace_bytes_are_part_of_the_value(server: LiveServer, blank: bytes) -> None:
    user = someone()

    assert _log_in_with(server, someone(), b"X-Token-Transport: cookie" + blank).code == "validation_error"
    assert _log_in_with(server, user, b"X-Forwarded-For: 198.51.100.7" + blank).status == 200
    own_by_tls = b"X-Forwarded-Proto: https" + blank, b"Origin: https://localhost"
    assert _log_in_with(server, user, *own_by_tls).code == "origin_not_allowed"

    assert Session.objects.get(user=user).ip == "127.0.0.1"


@pytest.mark.parametrize("foreign", FOREIGN_BYTES.values(), ids=FOREIGN_BYTES)
def test_foreign_bytes_in_path_and_query_are_no_server_error(server: LiveServer, foreign: bytes) -> None:
    escaped = b"".join(b"%%%02X" % byte for byte in foreign)
    for text in (foreign, escaped):
        assert _send(server, b"GET", b"/api/auth/" + text).status in {400, 404}
        assert _send(server, b"GET", b"/api/auth/me?q=" + text).status in {400, 401}
        assert _send(server, b"GET", b"/" + text).status in {400, 404}


def _log_in_with(server: LiveServer, user: User, *lines: bytes, host: bool = True) -> ApiResponse:
    body = json.dumps({"username": user.username, "password": PASSWORD}).encode()
    kind = [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return _send(server, b"POST", b"/api/auth/login", *kind, *lines, body=body, host=host)


def _send(
    server: LiveServer, method: bytes, path: bytes, *lines: bytes, body: bytes = b"", host: bool = True
) -> ApiResponse:
    first = [method + b" " + path + b" HTTP/1.1", *([b"Host: localhost"] if host else []), b"Connection: close"]
    return server.send_bytes(b"\r\n".join([*first, *lines, b"", b""]) + body)
