"""Looks at PostgreSQL's connections every now and then while something else goes on."""

import threading
from contextlib import closing
from types import TracebackType
from typing import Self

import psycopg

from benchmarks.scale.finding import Finding, at_most
from benchmarks.scale.ground import THREADS, Ground

_PAUSE_SECONDS = 0.1
_A_FEW = 4  # a process has threads of its own besides those that answer requests
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


class Connections:
    """The most that the database of the full place had at once. Counted from outside, itself left out."""

    def __init__(self, ground: Ground) -> None:
        self._address = ground.stores.postgres.url
        self._name = ground.full.environment["PGDATABASE"]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with closing(psycopg.connect(self._address, autocommit=True)) as connection:
            while not self._over.wait(_PAUSE_SECONDS):
                row = connection.execute(_COUNT, [self._name]).fetchone()
                self.most = max(self.most, int(row[0]) if row else 0)

    def judged(self, during: str) -> Finding:
        return at_most(f"connections to PostgreSQL at once, {during}", self.most, THREADS + _A_FEW, "")
