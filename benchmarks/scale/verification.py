"""Register users, read the code in their email and verify it, in parallel and under load; keep evidence of each rejection."""

import http.client
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

import psycopg

from accounts.testing.mail_server import MailServer, plain_text
from core.dev import processes

PASSWORD = "Correct-Horse-7"
_HOST = "127.0.0.1"
_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.01
_CODE = re.compile(r"(?<!\w)(\d{6})(?!\w)")
_LINK = re.compile(r"https?://\S+")
_EVIDENCE = {
    "user": "SELECT id, email, email_key, email_verified_at, is_active, created_at FROM accounts_user WHERE email_key = {}",
    "emails": (
        "SELECT id, kind, state, attempts, due_at, created_at, sent_at, error FROM accounts_outboxemail WHERE recipient = {}"
        " OR user_id = (SELECT id FROM accounts_user WHERE email_key = {})"
    ),
    "secrets": (
        "SELECT id, email_id, purpose, created_at, code_expires_at, used_at, invalidated_at FROM accounts_verificationcode"
        " WHERE user_id = (SELECT id FROM accounts_user WHERE email_key = {})"
    ),
}
_LATEST = "SELECT id FROM accounts_outboxemail WHERE recipient = {} AND kind = 'verify_email' ORDER BY created_at DESC LIMIT 1"


class Variant(StrEnum):
    """The steps between registration and verification."""

    PLAIN = "plain"
    RESENT = "code requested again at once"
    WRONG_FIRST = "one wrong code before"
    OTHER_CASE = "email in capitals"


@dataclass(frozen=True)
class Rejection:
    """A round that did not end with 200, and the evidence."""

    email: str
    variant: Variant
    problem: str
    responses: Sequence[str]
    messages: Sequence[str]
    rows: Mapping[str, Sequence[Mapping[str, str]]]

    def as_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Database:
    url: str

    def rows(self, statement: str, value: str) -> list[dict[str, str]]:
        is_sqlite = self.url.startswith("sqlite")
        sql, count = statement.format(*["?" if is_sqlite else "%s"] * 2), statement.count("{}")
        with closing(self._connect(is_sqlite=is_sqlite)) as connection:
            cursor = connection.execute(sql, [value] * count)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, map(str, row), strict=True)) for row in cursor.fetchall()]

    def _connect(self, *, is_sqlite: bool) -> Any:
        if is_sqlite:
            return sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=_TIMEOUT_SECONDS)
        return psycopg.connect(self.url, autocommit=True)


@dataclass
class Rounds:
    """`run` does `count` rounds with `clients` at once and returns those that failed."""

    port: int
    mailbox: MailServer
    database: Database
    prefix: str = field(default_factory=lambda: f"v{time.time_ns() // 1_000_000:x}")
    local: threading.local = field(default_factory=threading.local)
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def run(self, *, count: int, clients: int) -> list[Rejection]:
        with ThreadPoolExecutor(clients) as pool:
            rejections = [rejection for rejection in pool.map(self._round, range(count)) if rejection is not None]
        for connection in self.connections:
            connection.close()
        return rejections

    def _round(self, number: int) -> Rejection | None:
        variant = list(Variant)[number % len(Variant)]
        attempt = _Round(self, f"{self.prefix}x{number}@example.com", variant)
        try:
            attempt.run()
        except (AssertionError, OSError, http.client.HTTPException, TimeoutError) as error:
            return attempt.rejection(f"{type(error).__name__}: {error}")
        finally:
            self.mailbox.accepted.pop(attempt.email, None)
        return None

    def send(self, path: str, body: Mapping[str, str]) -> tuple[int, str]:
        """Send over this thread's connection, which is reopened after an error; a request is never sent twice."""
        connection = self._connection()
        try:
            connection.request("POST", f"/api/auth{path}", json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            connection.close()
            del self.local.connection
            raise

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(_HOST, self.port, timeout=_TIMEOUT_SECONDS)
            self.connections.append(self.local.connection)
        connection: http.client.HTTPConnection = self.local.connection
        return connection


@dataclass
class _Round:
    rounds: Rounds
    email: str
    variant: Variant
    responses: list[str] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)

    def run(self) -> None:
        self._expect(201, "/register", email=self.email, username=self.email.partition("@")[0], password=PASSWORD)
        if self.variant == Variant.RESENT:
            self._expect(200, "/resend-verification", email=self.email)
        code = self._receive_code(self._latest_email_id())
        if self.variant == Variant.WRONG_FIRST:
            self._expect(400, "/verify-email", email=self.email, code=f"{(int(code) + 1) % 1_000_000:06d}")
        email = self.email.upper() if self.variant == Variant.OTHER_CASE else self.email
        self._expect(200, "/verify-email", email=email, code=code)

    def _expect(self, status: int, path: str, **body: str) -> None:
        actual, text = self.rounds.send(path, body)
        self.responses.append(f"{path} {body.get('code', '')} {actual} {text}")
        assert actual == status, f"{path} returned {actual} instead of {status}"  # noqa: S101 - caught by the round

    def _latest_email_id(self) -> uuid.UUID:
        [row] = self.rounds.database.rows(_LATEST, self.email)
        return uuid.UUID(row["id"])

    def _receive_code(self, email_id: uuid.UUID) -> str:
        """Return the code in the message of this outbox row, whatever arrives before it."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            self.messages = list(self.rounds.mailbox.accepted.get(self.email, []))
            for message in self.messages:
                if str(email_id) in str(message["Message-ID"]):
                    return code_in(plain_text(message))
            time.sleep(_POLL_SECONDS)
        raise TimeoutError(f"email {email_id} did not arrive")

    def rejection(self, problem: str) -> Rejection:
        rows = {name: self.rounds.database.rows(statement, self.email) for name, statement in _EVIDENCE.items()}
        messages = [f"{message['Message-ID']}\n{plain_text(message)}" for message in self.messages]
        return Rejection(self.email, self.variant, problem, self.responses, messages, rows)


def code_in(text: str) -> str:
    """Return the six digits outside of links; a token in a link may contain six digits too."""
    [code] = _CODE.findall(_LINK.sub("", text))
    return str(code)


@contextmanager
def cpu_load(count: int) -> Iterator[None]:
    """Run this many busy processes beside the tested ones."""
    command = [sys.executable, "-c", "while True: pass"]
    started = [processes.start(command, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            processes.stop(process, grace=1)
