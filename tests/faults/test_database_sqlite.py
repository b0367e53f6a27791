"""SQLite locked by another process beyond the busy timeout: 503 in time, no partial write, and recovery afterwards."""

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
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("sqlite"), reason="tests SQLite"),
]

# The busy timeout of a writer, and one second for the rest of the request.
BOUND_SECONDS = 6


@dataclass(frozen=True)
class Deployment:
    api: LiveServer
    file: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")


@pytest.fixture(scope="module")
def deployment(faults_folder: Path) -> Iterator[Deployment]:
    with live_server.running(faults_folder, WEB_WORKERS="1") as api:
        yield Deployment(api, faults_folder / "live.sqlite3")


def test_while_the_database_is_locked_writes_get_503_and_reads_succeed(deployment: Deployment) -> None:
    user = someone()
    tokens = signed_in(deployment.api, user)
    writers = [log_in(user), refresh(tokens.refresh), ApiRequest("POST", "/logout", token=tokens.access), _sign_up()]
    before = _rows()

    with deployment.locked():
        started = time.monotonic()
        responses = deployment.api.send_at_once(writers)
        seconds = time.monotonic() - started
        assert deployment.api.send(me(tokens.access)).status == 200
        assert readiness(deployment.api)["database"] == "ok"

    assert [(response.status, response.code) for response in responses] == [(503, "service_unavailable")] * len(writers)
    assert all(int(response.headers["Retry-After"]) >= 1 for response in responses)
    assert seconds < BOUND_SECONDS
    assert _rows() == before
    assert [deployment.api.send(request).status for request in (writers[0], writers[1], writers[3], writers[2])] == [
        200,
        200,
        201,
        200,
    ]
    assert deployment.api.send(me(tokens.access)).code == "session_revoked"


def test_a_short_lock_delays_logins_and_fails_none(deployment: Deployment) -> None:
    user = someone()
    with closing(sqlite3.connect(deployment.file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        release = Timer(1, other.execute, ["ROLLBACK"])
        release.start()

        responses = deployment.api.send_at_once([log_in(user)] * 5)
        release.join()

    assert [response.status for response in responses] == [200] * 5


def _sign_up() -> ApiRequest:
    name = f"s{new_id().hex[-20:]}"
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    return ApiRequest("POST", "/register", body)


def _rows() -> list[object]:
    """Return every row that the four requests can write, without `last_seen_at`."""
    return [
        list(User.objects.order_by("id").values()),
        list(Session.objects.order_by("id").values("id", "refresh_jti", "revoked_at")),
        list(OutboxEmail.objects.order_by("id").values()),
    ]
