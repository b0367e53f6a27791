"""Each request has an id that its response, its log lines and its audit rows share."""

import ipaddress
import logging
import re
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from core.fast_path.middleware import FastPathMiddleware, FastResponse
from core.http.request_context import PEER, RequestIdMiddleware, current_request, request_id
from core.observability.logs import LineFormatter
from core.observability.request_identity import UserAndSession

GENERATED = re.compile(r"[0-9a-f]{32}")
PROXY, CLIENT = "10.0.0.1", "198.51.100.1"
A_REQUEST = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "SERVER_NAME": "testserver", "SERVER_PORT": "80", "wsgi.input": BytesIO(),
}  # fmt: skip
HOSTILE = [
    "", "short", "x" * 65, "a b c d e f", "abcdefgh\x1b[31m", "abcdefgh\u00e9", "abcdefgh;--", "<b>abcdefgh</b>", "../../../etc",
]  # fmt: skip


@pytest.fixture
def behind_a_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]


def _id_for(client: Client, peer: str, sent: str) -> str:
    response = client.get("/healthz", headers={"X-Request-Id": sent}, **{PEER: peer})  # type: ignore[arg-type]
    return response.headers["X-Request-Id"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/healthz", 200), ("get", "/", 200), ("get", "/api/schema", 200), ("get", "/admin/login/", 200),
        ("get", "/admin/", 302), ("get", "/api/auth/me", 401), ("post", "/api/auth/login", 400), ("get", "/api/none", 404),
        ("get", "/none", 404), ("put", "/api/auth/login", 405), ("get", "/static/vestibule/page.js", 200),
        ("options", "/api/auth/login", 200),
    ],
)  # fmt: skip
def test_every_response_has_an_id(client: Client, method: str, path: str, status: int) -> None:
    headers = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"} if method == "options" else {}
    body: dict[str, Any] = {"data": "{}", "content_type": "application/json"} if method == "post" else {}

    response = getattr(client, method)(path, headers=headers, **body)
    response.close()  # closes the file

    assert response.status_code == status
    assert GENERATED.fullmatch(response.headers["X-Request-Id"])


def test_a_response_to_an_unknown_host_has_an_id(client: Client) -> None:
    response = client.get("/api/auth/me", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert GENERATED.fullmatch(response.headers["X-Request-Id"])


def _fast_handler(_request: Any) -> FastResponse:
    return FastResponse({"Content-Type": "application/json"}, b"{}", UserAndSession(None, None))


@pytest.mark.django_db
def test_a_fast_path_response_has_an_id(behind_a_proxy: None) -> None:
    started: list[Any] = []
    fast = FastPathMiddleware(lambda _environ, _start: [b"slow"], {("GET", "/fast"): _fast_handler})

    for sent in ("chosen-by-a-proxy", "no"):
        environ = {"PATH_INFO": "/fast", PEER: PROXY, "HTTP_X_REQUEST_ID": sent} | A_REQUEST
        assert fast(environ, lambda _status, headers: started.append(dict(headers))) == [b"{}"]

    assert started[0]["X-Request-Id"] == "chosen-by-a-proxy"
    assert GENERATED.fullmatch(started[1]["X-Request-Id"])


def test_request_ids_are_unique(client: Client) -> None:
    assert len({client.get("/healthz").headers["X-Request-Id"] for _ in range(20)}) == 20


@pytest.mark.parametrize("peer", [CLIENT, "", "unix:"])
def test_a_client_cannot_set_the_request_id(client: Client, behind_a_proxy: None, peer: str) -> None:
    assert GENERATED.fullmatch(_id_for(client, peer, "chosen-by-a-client"))


def test_an_untrusted_proxy_cannot_set_the_request_id(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []

    assert GENERATED.fullmatch(_id_for(client, PROXY, "chosen-by-a-proxy"))


@pytest.mark.parametrize("name", ["chosen-by-a-proxy", "01981c63-1f5e-7a90-b1c2-93d4e5f60718", "a.b_c-d1", "x" * 64])
def test_a_trusted_proxy_can_set_the_request_id(client: Client, behind_a_proxy: None, name: str) -> None:
    assert _id_for(client, PROXY, name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_an_id_that_could_forge_a_header_or_a_log_line_is_replaced(
    client: Client, behind_a_proxy: None, name: str
) -> None:
    assert GENERATED.fullmatch(_id_for(client, PROXY, name))


@pytest.mark.django_db
def test_scripts_of_a_trusted_origin_may_read_the_request_id(client: Client, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]

    response = client.get("/api/auth/me", headers={"Origin": "https://app.example"})

    assert "x-request-id" in response.headers["Access-Control-Expose-Headers"]


def test_a_log_line_contains_the_request_id(rf: RequestFactory) -> None:
    formatter = LineFormatter("%(levelname)s %(name)s %(ids)s%(message)s")
    record = logging.LogRecord("accounts", logging.INFO, "", 0, "line\nbreak \x1b[31m", None, None)
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append((formatter.format(record), request_id(request)))
        return HttpResponse()

    RequestIdMiddleware(view)(rf.get("/"))

    ((line, name),) = seen
    assert line == rf"INFO accounts [{name}] line\nbreak \x1b[31m"
    assert formatter.format(record) == r"INFO accounts line\nbreak \x1b[31m"


def test_after_the_response_there_is_no_current_request(rf: RequestFactory) -> None:
    def fail(request: HttpRequest) -> HttpResponse:
        assert current_request() is request
        raise RuntimeError

    with pytest.raises(RuntimeError):
        RequestIdMiddleware(fail)(rf.get("/"))

    assert current_request() is None
