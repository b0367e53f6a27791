"""The testbed: an empty database and one as full as after years, each served by the same product."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import LiteralString

import psycopg
import redis
from psycopg import sql

from benchmarks import server
from benchmarks.contender import PASSWORD, Contender
from benchmarks.contenders.product import product
from benchmarks.server import Server
from benchmarks.stores import Storage, Stores
from core.paths import BASE_DIR

THREADS = 8  # as many as a deployment has that expected_me nothing
_PRODUCT_SIDE = Path(__file__).with_name("product_side.py")
# Tokens are minted before the loads that use them.
_LONG_LIVED = {"JWT_ACCESS_EXPIRY": "4h"}


@dataclass(frozen=True)
class Size:
    users: int
    sessions: int


@dataclass(frozen=True)
class Testbed:
    """`contender` has the keys, so all of its processes share them."""

    stores: Stores
    contender: Contender
    empty: Storage
    full: Storage
    logs: Path

    @contextmanager
    def serving(self, storage: Storage, **variables: str) -> Iterator[Server]:
        contender = replace(self.contender, environment={**self.contender.environment, **variables})
        running = server.start(contender, storage, threads=THREADS, logs=self.logs)
        try:
            yield running
        finally:
            running.stop()

    def query(self, statement: LiteralString | sql.Composed) -> list[tuple[object, ...]]:
        """Query the full database."""
        with closing(psycopg.connect(self.full.postgres_url, autocommit=True)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def execute(self, statement: sql.Composed) -> int:
        """Execute a statement on the full database and return its row count."""
        with closing(psycopg.connect(self.full.postgres_url, autocommit=True)) as connection:
            return connection.execute(statement).rowcount

    def environment(self, storage: Storage) -> Mapping[str, str]:
        return server.environment(self.contender, storage)

    def tokens(self, kind: str, count: int) -> list[str]:
        """Return tokens of that many active sessions of the full database, or of all if there are fewer."""
        return self._run_product_side(kind, str(count)).split()

    def forget_entries(self) -> None:
        with closing(redis.Redis.from_url(self.full.redis_url)) as client:
            client.flushdb()

    def fill(self, size: Size) -> str:
        """Fill the full database and return a summary."""
        command = [sys.executable, "manage.py", "seed", "--append", "--yes", "--password", PASSWORD]
        command += ["--users", str(size.users), "--sessions", str(max(1, size.sessions // size.users))]
        output = self._run([*command]).splitlines()
        entries = self._run_product_side("entries").strip()
        self.query("VACUUM ANALYZE")
        return f"{output[0]} {int(entries):,} entries in Redis."

    def _run_product_side(self, *arguments: str) -> str:
        return self._run(["env", f"PYTHONPATH={BASE_DIR}", sys.executable, str(_PRODUCT_SIDE), *arguments])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=BASE_DIR, env=self.environment(self.full), stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout


def prepare(stores: Stores, logs: Path) -> Testbed:
    """Create and migrate both databases, each with the users of the load."""
    contender = product()
    contender = replace(contender, environment={**contender.environment, **_LONG_LIVED})
    empty, full = stores.create_storage("empty", 1), stores.create_storage("full", 2)
    for storage in (empty, full):
        server.prepare(contender, storage)
    return Testbed(stores, contender, empty, full, logs)
