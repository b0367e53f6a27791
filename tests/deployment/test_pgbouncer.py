"""Behind PgBouncer in transaction mode: migrations, the API, and a leaked lock."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from accounts.testing.api_client import PASSWORD
from core.db.migration_lock import LOCK_ID
from core.dev import postgres_server
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import live_server, pgbouncer
from core.testing.live_server import ApiRequest

pytestmark = [pytest.mark.pgbouncer, pytest.mark.timeout(180)]

Process = subprocess.Popen[str]


@dataclass(frozen=True)
class Place:
    """A database behind PgBouncer; `direct` connects to the database itself."""

    direct: str
    pooled: str

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.direct, autocommit=True) as server:
            return server.execute(statement, values).fetchall()

    @property
    def variables(self) -> dict[str, str]:
        # PgBouncer of Debian does not support prepared statements yet.
        return {"DATABASE_URL": self.pooled, "DATABASE_PREPARE": "off", "EMAIL_VERIFICATION": "none"}


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="vestibule-pgbouncer-"))  # not pytest's, which only root may enter
    server = postgres_server.start_for_tests()
    try:
        with pgbouncer.in_front_of(server.url, folder) as pooled:
            yield Place(server.url, pooled)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _migrate(place: Place, *options: str) -> Process:
    command = [sys.executable, "manage.py", "migrate", "--no-input", *options]
    return subprocess.Popen(
        command,
        cwd=BASE_DIR,
        env=live_server.environment(**place.variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _ended(process: Process) -> tuple[int, str]:
    printed, _ = process.communicate(timeout=120)
    return process.returncode, printed


def _locks(place: Place) -> list[tuple[Any, ...]]:
    return place.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")


def test_one_of_several_concurrent_migrations_does_the_work_and_no_lock_remains(place: Place) -> None:
    ended = [_ended(process) for process in [_migrate(place) for _ in range(3)]]

    assert [code for code, _printed in ended] == [0, 0, 0], ended
    assert sum("No migrations to apply." in printed for _code, printed in ended) == 2
    assert not _locks(place)
    assert _ended(_migrate(place, "--wait", "5"))[0] == 0


def test_a_migration_waits_a_bounded_time_for_a_leaked_lock_and_names_it(place: Place) -> None:
    with psycopg.connect(place.direct, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])

        code, printed = _ended(_migrate(place, "--wait", "1"))

        assert code == 1
        assert "waiting for it, at most 1 seconds" in printed
        assert f"the process {holder.info.backend_pid} of the database server" in printed
    assert not place.rows("SELECT 1 FROM pg_tables WHERE tablename = 'django_migrations'")


def test_the_api_works_behind_pgbouncer(place: Place, tmp_path: Path) -> None:
    with live_server.running(tmp_path, **place.variables) as api:
        names = [f"g{new_id().hex[-20:]}" for _ in range(8)]
        users = [ApiRequest("POST", "/register", {"username": name, "password": PASSWORD}) for name in names]
        assert {reply.status for reply in api.send_at_once(users)} == {201}
        logins = api.send_at_once([ApiRequest("POST", "/login", {"username": n, "password": PASSWORD}) for n in names])
        tokens = [reply.data["tokens"] for reply in logins]
        for _ in range(3):
            replies = api.send_at_once(
                [ApiRequest("POST", "/refresh", {"refreshToken": t["refreshToken"]}) for t in tokens]
            )
            tokens = [reply.data["tokens"] for reply in replies]
            assert {
                r.status for r in api.send_at_once([ApiRequest("GET", "/me", token=t["accessToken"]) for t in tokens])
            } == {200}
        ended = tokens[0]["accessToken"]
        assert api.send(ApiRequest("POST", "/logout", token=ended)).status == 200
        assert api.send(ApiRequest("GET", "/me", token=ended)).code == "session_revoked"
    assert not _locks(place)


def test_serve_without_migrating_leaves_the_database_unchanged(place: Place, tmp_path: Path) -> None:
    with live_server.running(tmp_path, options=("--no-migrate",), **place.variables) as api:
        assert api.send(ApiRequest("POST", "/register", {"username": "alice", "password": PASSWORD})).status >= 500

    assert not place.rows("SELECT 1 FROM pg_tables WHERE tablename = 'django_migrations'")
