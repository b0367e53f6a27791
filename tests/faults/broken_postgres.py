"""A PostgreSQL server for one test, at a fixed URL: stop it, restart it, or exhaust its connections."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from core.dev import postgres_server, processes
from core.dev.postgres_server import PostgresServer

Connection = psycopg.Connection[Any]

MAX_CONNECTIONS = 12
_TERMINATE = """
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000))
    FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> ''
"""
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0


@dataclass
class BrokenPostgres:
    server: PostgresServer

    @property
    def url(self) -> str:
        return self.server.url

    def stop(self) -> None:
        processes.stop(self.server.process, stop_signal=signal.SIGINT, grace=_STOP_SECONDS)

    def start(self) -> None:
        owner = (self.server.folder / "data").stat()  # root may not run it
        log = self.server.folder / "postgres.log"
        with log.open("ab") as output:
            process = processes.start(
                [*self.server.process.args, "-c", f"max_connections={MAX_CONNECTIONS}"],  # type: ignore[misc]
                stop_signal=signal.SIGQUIT,
                temporary=self.server.folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=owner.st_uid,
                group=owner.st_gid,
                extra_groups=[],
                cwd=self.server.folder,
            )
        self.server = replace(self.server, process=process)
        processes.wait_until(self._accepts_connections, process, log=log, seconds=_START_SECONDS)

    def _accepts_connections(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url):
            return True
        return False

    def terminate_connections(self) -> int:
        """Terminate every other connection to this server, idle or not, and return their number."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(_TERMINATE).fetchone()
            assert row
            return int(row[0])

    @contextmanager
    def exhausted(self, *, evict_others: bool = False) -> Iterator[None]:
        """Hold every free connection; with `evict_others`, hold every connection of the server."""
        with ExitStack() as stack:
            held = self._fill(stack)
            while evict_others and self._terminate_others(held):
                held += self._fill(stack)
            yield

    def _fill(self, stack: ExitStack) -> list[Connection]:
        connections: list[Connection] = []
        with suppress(psycopg.OperationalError):
            while True:
                connections.append(stack.enter_context(psycopg.connect(self.url, autocommit=True)))
        return connections

    def _terminate_others(self, held: list[Connection]) -> int:
        """Terminate all other connections, and return their number: another client may take a free connection first."""
        pids = [connection.info.backend_pid for connection in held]
        row = held[0].execute(f"{_TERMINATE} AND NOT pid = ANY(%s)", [pids]).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def running() -> Iterator[BrokenPostgres]:
    postgres = BrokenPostgres(postgres_server.start_for_tests())
    try:
        postgres.stop()
        postgres.start()
        yield postgres
    finally:
        postgres.server.stop()
