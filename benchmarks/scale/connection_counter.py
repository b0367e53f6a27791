"""Sample the number of PostgreSQL connections while other code runs."""

import threading
from contextlib import closing
from types import TracebackType
from typing import Self

import psycopg

from benchmarks.scale.finding import Finding, at_most
from benchmarks.scale.testbed import THREADS, Testbed

_PAUSE_SECONDS = 0.1
_EXTRA_CONNECTIONS = 4  # for a process's threads that handle no requests
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


class ConnectionCounter:
    """The maximum number of connections to the full database, except its own."""

    def __init__(self, testbed: Testbed) -> None:
        self._url = testbed.stores.postgres.url
        self._name = testbed.full.environment["PGDATABASE"]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.maximum = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _sample(self) -> None:
        with closing(psycopg.connect(self._url, autocommit=True)) as connection:
            while not self._stopped.wait(_PAUSE_SECONDS):
                row = connection.execute(_COUNT, [self._name]).fetchone()
                self.maximum = max(self.maximum, int(row[0]) if row else 0)

    def finding(self, during: str) -> Finding:
        return at_most(f"connections to PostgreSQL at once, {during}", self.maximum, THREADS + _EXTRA_CONNECTIONS, "")
