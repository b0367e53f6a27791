"""SQLite locked by somebody else for longer than anybody waits: 503 in time, nothing half done, and on it goes afterwards."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest

from accounts.models import OutboxEmail, User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import log_in, me, refresh, signed_in, someone
from core.ids import new_id
from core.testing import live_server
from core.testing.live_server import ApiRequest, LiveServer
from sessions_tracking.models import Session
from tests.faults.conftest import readiness

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("sqlite"), reason="is about SQLite"),
]

# How long a writer waits for its turn, and a second for the rest.
BOUND_SECONDS = 6


@dataclass(frozen=True)
class Place:
    api: LiveServer
    file: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as stranger:
            stranger.execute("BEGIN EXCLUSIVE")
            yield
            stranger.execute("ROLLBACK")


@pytest.fixture(scope="module")
def place(faults_folder: Path) -> Iterator[Place]:
    with live_server.running(faults_folder, WEB_WORKERS="1") as api:
        yield Place(api, faults_folder / "live.sqlite3")


def test_while_the_database_is_locked_writes_get_503_and_reads_succeed(place: Place) -> None:
    user = someone()
    tokens = signed_in(place.api, user)
    writers = [log_in(user), refresh(tokens.refresh), ApiRequest("POST", "/logout", token=tokens.access), _sign_up()]
    before = _rows()

    with place.locked():
        started = time.monotonic()
        replies = place.api.send_at_once(writers)
        seconds = time.monotonic() - started
        assert place.api.send(me(tokens.access)).status == 200
        assert readiness(place.api)["database"] == "ok"

    assert [(reply.status, reply.code) for reply in replies] == [(503, "service_unavailable")] * len(writers)
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in replies)
    assert seconds < BOUND_SECONDS
    assert _rows() == before
    assert [place.api.send(ask).status for ask in (writers[0], writers[1], writers[3], writers[2])] == [
        200,
        200,
        201,
        200,
    ]
    assert place.api.send(me(tokens.access)).code == "session_revoked"


def test_a_short_lock_delays_logins_and_fails_none(place: Place) -> None:
    user = someone()
    with closing(sqlite3.connect(place.file, isolation_level=None, check_same_thread=False)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        release = Timer(1, stranger.execute, ["ROLLBACK"])
        release.start()

        replies = place.api.send_at_once([log_in(user)] * 5)
        release.join()

    assert [reply.status for reply in replies] == [200] * 5


def _sign_up() -> ApiRequest:
    name = f"s{new_id().hex[-20:]}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return ApiRequest("POST", "/register", body)


def _rows() -> list[object]:
    """Everything that the four requests write, but for when the caller was last seen."""
    return [
        list(User.objects.order_by("id").values()),
        list(Session.objects.order_by("id").values("id", "refresh_jti", "revoked_at")),
        list(OutboxEmail.objects.order_by("id").values()),
    ]
