"""Asks twice what is answered twice: Django, by its test client, and the shortcut in front of it, as the web server does."""

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

Headers = dict[str, Any]  # text, but for a list of several cookies
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NoBody:
    """What the web server gives where no body came: no file of Python's."""

    def read(self, _size: int = -1) -> bytes:
        return b""

    readline = read


class Answer:
    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self) -> str:
        """`ok`, or the code of the failure."""
        said = json.loads(self.body)
        return "ok" if said["success"] else str(said["code"])

    @property
    def identity(self) -> Headers:
        return {name: value for name, value in self.headers.items() if name.startswith("X-Auth-")}


def by_client(method: str, headers: Headers, path: str, body: bytes = b"", kind: str = "application/json") -> Answer:
    reply = ApiClient().generic(method, path, body, kind, headers=headers, **{PEER: "127.0.0.1"})
    cookies = _cookies([("Set-Cookie", cookie.OutputString()) for cookie in reply.cookies.values()])
    return Answer(reply.status_code, dict(reply.headers) | cookies, reply.content)


def by_server(method: str, headers: Headers, path: str, body: bytes = b"", kind: str = "application/json") -> Answer:
    """As the web server does, so that the shortcut has its say."""
    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    sent = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))} if body else {}
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": f"/api/auth{path}", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "x",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": BytesIO(body) if body else NoBody(),
        "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "testserver",
    } | given | sent  # fmt: skip
    told: list[Any] = []
    with _connection_kept():
        read = b"".join(application(environ, lambda *answer: told.extend(answer)))
    return Answer(int(told[0][:3]), dict(told[1]) | _cookies(told[1]), read)


def said(answer: Answer) -> tuple[Any, ...]:
    """All of it, but for the name of the request and those of access tokens, of which no two have the same."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    return answer.status, *(
        _TOKEN.sub(_claims, text) for text in (answer.body.decode(), json.dumps(headers, sort_keys=True))
    )


def said_to_anybody(answer: Answer) -> tuple[Any, ...]:
    """As `said`, but for ids: of what was made anew by each."""
    status, *texts = said(answer)
    return status, *(_ID.sub("id", text) for text in texts)


def _claims(found: re.Match[str]) -> str:
    try:
        claims = jwt.decode(found[0], options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return found[0]
    return str({name: value for name, value in claims.items() if name != "jti" or claims["token_type"] == "refresh"})


def _cookies(headers: list[tuple[str, str]]) -> dict[str, Any]:
    found = sorted(value.strip() for name, value in headers if name == "Set-Cookie")
    return {"Set-Cookie": found} if found else {}


@contextmanager
def _connection_kept() -> Iterator[None]:
    """A request drops a connection found within a transaction, as all of a test is. Django's test client sees to it too."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def closings(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """How often the shortcut let go of the database; it does not really, as above."""
    closed: list[None] = []
    monkeypatch.setattr(middleware, "let_go", lambda: closed.append(None))
    return closed
