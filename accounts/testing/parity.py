"""Sends a request through Django's test client, or through the WSGI application as the web server does."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import jwt
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from accounts.testing.api_client import ApiClient
from config.wsgi import application
from core.fast_path import middleware
from core.http.request_context import PEER

Headers = dict[str, Any]  # text, except a list for several cookies
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")


class EmptyStream:
    """The input of a request without a body. As with the web server, it is not an `io` object."""

    def read(self, _size: int = -1) -> bytes:
        return b""

    readline = read


class ApiResult:
    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self) -> str:
        """Return `ok`, or the code of the failure."""
        envelope = json.loads(self.body)
        return "ok" if envelope["success"] else str(envelope["code"])

    @property
    def identity(self) -> Headers:
        return {name: value for name, value in self.headers.items() if name.startswith("X-Auth-")}


def via_django(
    method: str, headers: Headers, path: str, body: bytes = b"", kind: str = "application/json"
) -> ApiResult:
    response = ApiClient().generic(method, path, body, kind, headers=headers, **{PEER: "127.0.0.1"})
    cookies = _cookies([("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()])
    return ApiResult(response.status_code, dict(response.headers) | cookies, response.content)


def via_wsgi(method: str, headers: Headers, path: str, body: bytes = b"", kind: str = "application/json") -> ApiResult:
    """Call the WSGI application, fast paths included."""
    header_keys = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    body_keys = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))} if body else {}
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": f"/api/auth{path}", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "x",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": BytesIO(body) if body else EmptyStream(),
        "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver",
    } | header_keys | body_keys  # fmt: skip
    environ["PATH_INFO"], _, environ["QUERY_STRING"] = environ["PATH_INFO"].partition("?")
    started: list[Any] = []
    with _connection_kept():
        content = b"".join(application(environ, lambda *start: started.extend(start)))
    return ApiResult(int(started[0][:3]), dict(started[1]) | _cookies(started[1]), content)


def normalized(response: ApiResult) -> tuple[Any, ...]:
    """Return status, body and headers without the request id and the ids of access tokens, which always differ."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
    return response.status, *(
        _TOKEN.sub(_claims, text) for text in (response.body.decode(), json.dumps(headers, sort_keys=True))
    )


def _claims(match: re.Match[str]) -> str:
    try:
        claims = jwt.decode(match[0], options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return match[0]
    return str({name: value for name, value in claims.items() if name != "jti" or claims["token_type"] == "refresh"})


def _cookies(headers: list[tuple[str, str]]) -> dict[str, Any]:
    cookies = sorted(value.strip() for name, value in headers if name == "Set-Cookie")
    return {"Set-Cookie": cookies} if cookies else {}


@contextmanager
def _connection_kept() -> Iterator[None]:
    """Keep the connection, which holds the test's transaction, as Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def db_releases(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Record the connections that the fast path releases, and keep them, since they hold the transaction of the test."""
    releases: list[None] = []
    monkeypatch.setattr(middleware, "release_db_connection", lambda: releases.append(None))
    return releases
