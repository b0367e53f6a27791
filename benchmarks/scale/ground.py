"""Where it happens: a database as good as empty, and one as full as after years, with the same product before each."""

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
from benchmarks.stores import Place, Stores
from core.paths import BASE_DIR

THREADS = 8  # as many as a deployment has that says nothing
_SIDE = Path(__file__).with_name("product_side.py")
# Tokens are minted ahead of the runs that use them.
_LONG_LIVED = {"JWT_ACCESS_EXPIRY": "4h"}


@dataclass(frozen=True)
class Size:
    users: int
    sessions: int


@dataclass(frozen=True)
class Ground:
    """`contender` holds the keys, so that it is one and the same for all of its processes."""

    stores: Stores
    contender: Contender
    empty: Place
    full: Place
    logs: Path

    @contextmanager
    def serving(self, place: Place, **variables: str) -> Iterator[Server]:
        contender = replace(self.contender, environment={**self.contender.environment, **variables})
        running = server.start(contender, place, threads=THREADS, logs=self.logs)
        try:
            yield running
        finally:
            running.stop()

    def query(self, statement: LiteralString | sql.Composed) -> list[tuple[object, ...]]:
        """Of the full database."""
        with closing(psycopg.connect(self.full.postgres_url, autocommit=True)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def execute(self, statement: sql.Composed) -> int:
        """How many rows of the full database it was about."""
        with closing(psycopg.connect(self.full.postgres_url, autocommit=True)) as connection:
            return connection.execute(statement).rowcount

    def environment(self, place: Place) -> Mapping[str, str]:
        return server.environment(self.contender, place)

    def tokens(self, kind: str, count: int) -> list[str]:
        """Of that many live sessions of the full database, or of all where there are fewer."""
        return self._aside(kind, str(count)).split()

    def forget_entries(self) -> None:
        with closing(redis.Redis.from_url(self.full.redis_url)) as client:
            client.flushdb()

    def fill(self, size: Size) -> str:
        """Says how long it took."""
        command = [sys.executable, "manage.py", "seed", "--append", "--yes", "--password", PASSWORD]
        command += ["--users", str(size.users), "--sessions", str(max(1, size.sessions // size.users))]
        output = self._run([*command]).splitlines()
        entries = self._aside("entries").strip()
        self.query("VACUUM ANALYZE")
        return f"{output[0]} {int(entries):,} entries in Redis."

    def _aside(self, *arguments: str) -> str:
        return self._run(["env", f"PYTHONPATH={BASE_DIR}", sys.executable, str(_SIDE), *arguments])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=BASE_DIR, env=self.environment(self.full), stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout


def prepared(stores: Stores, logs: Path) -> Ground:
    """Both migrated, each with the users that are measured."""
    contender = product()
    contender = replace(contender, environment={**contender.environment, **_LONG_LIVED})
    empty, full = stores.make_place("empty", 1), stores.make_place("full", 2)
    for place in (empty, full):
        server.prepare(contender, place)
    return Ground(stores, contender, empty, full, logs)
