"""A PostgreSQL of a test's own, at one address: stopped, started again, and with no place left for anybody."""

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

MOST_CONNECTIONS = 12
_END = """
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
                [*self.server.process.args, "-c", f"max_connections={MOST_CONNECTIONS}"],  # type: ignore[misc]
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
        processes.wait_until(self._answers, process, log=log, seconds=_START_SECONDS)

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url):
            return True
        return False

    def end_connections(self) -> int:
        """Every other connection to this server, idle or not; how many they were. Returns when they are gone."""
        with psycopg.connect(self.url, autocommit=True) as own:
            row = own.execute(_END).fetchone()
            assert row
            return int(row[0])

    @contextmanager
    def crowded(self, *, by_strangers_alone: bool = False) -> Iterator[None]:
        """Strangers hold every connection that is free, or every one there is."""
        with ExitStack() as stack:
            strangers = self._fill(stack)
            while by_strangers_alone and self._end_others(strangers):
                strangers += self._fill(stack)
            yield

    def _fill(self, stack: ExitStack) -> list[Connection]:
        mine: list[Connection] = []
        with suppress(psycopg.OperationalError):
            while True:
                mine.append(stack.enter_context(psycopg.connect(self.url, autocommit=True)))
        return mine

    def _end_others(self, strangers: list[Connection]) -> int:
        """Ends whoever is none of them, and says how many those were: one may have been faster than the crowd."""
        pids = [stranger.info.backend_pid for stranger in strangers]
        row = strangers[0].execute(f"{_END} AND NOT pid = ANY(%s)", [pids]).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def running() -> Iterator[BrokenPostgres]:
    own = BrokenPostgres(postgres_server.start_for_tests())
    try:
        own.stop()
        own.start()
        yield own
    finally:
        own.server.stop()
