"""The cleanup of as many ended sessions as the database has, beside traffic."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import sql

from benchmarks import cores
from benchmarks.load.streams import Client, Stream
from benchmarks.scale import traffic
from benchmarks.scale.connection_counter import ConnectionCounter
from benchmarks.scale.finding import Finding, at_most, zero
from benchmarks.scale.testbed import Testbed
from benchmarks.server import Server
from core.paths import BASE_DIR

_WARM_SECONDS, _QUIET_SECONDS = 1.0, 5.0
_MAX_SECONDS, _MAX_MIB, _MAX_MS = 10.0, 200.0, 100.0
# Sessions that expire during the run are left to the next cleanup.
_COUNT_ENDED = "SELECT count(*) FROM sessions_tracking_session WHERE revoked_at <= {at} OR expires_at <= {at}"
_COLUMNS = """SELECT column_name FROM information_schema.columns
              WHERE table_name = 'sessions_tracking_session' ORDER BY ordinal_position"""
# Session ids in creation order, up to sixty days old.
_NEW_VALUES = {
    "id": "uuidv7(interval '-60 days' + row_number() OVER () * interval '1 second')",
    "refresh_jti": "gen_random_uuid()",
    "expires_at": "now() - random() * interval '20 days' - interval '1 minute'",
}


@dataclass(frozen=True)
class _Run:
    seconds: float
    mib: float
    output: str


def measure(testbed: Testbed, *, sessions: int) -> Iterator[Finding]:
    _end_sessions(testbed, sessions)
    at = datetime.now(UTC)
    ended = _count(testbed, at)
    with testbed.serving(testbed.full) as server, ConnectionCounter(testbed) as connections:
        _run_for(_WARM_SECONDS, server, _streams(server))
        quiet = _run_for(_QUIET_SECONDS, server, _streams(server))
        streams = _streams(server)
        run = _clean_up(testbed, Client(server.port, streams))
    yield at_most(f"cleanup of {ended:,} ended sessions", run.seconds, _MAX_SECONDS, "s", output=run.output)
    yield at_most("its memory", run.mib, _MAX_MIB, "MiB")
    yield at_most(
        f"the slowest of {_total(streams):,} requests meanwhile ({_slowest(quiet):.0f} ms without it)",
        _slowest(streams), _MAX_MS, "ms", p99_ms={stream.name: round(stream.ms(0.99), 1) for stream in streams},
    )  # fmt: skip
    wrong = {stream.name: dict(stream.statuses) for stream in streams if stream.wrong}
    yield zero("wrong responses meanwhile", sum(stream.wrong for stream in streams), statuses=wrong)
    yield zero("ended sessions left", _count(testbed, at))
    yield connections.finding("beside the cleanup")


def _streams(server: Server) -> Sequence[Stream]:
    """Return a few hundred requests per second, over stream connection per kind, so that they do not wait for each other."""
    contender, access = server.contender, [server.sign_in(20).access]
    return (
        traffic.paced(traffic.with_tokens("me", contender.me, access, connections=1), 0.005),
        traffic.paced(traffic.with_tokens("forward_auth", contender.forward_auth, access, connections=1), 0.005),
        traffic.paced(traffic.refreshing(server, connections=1), 0.01),
        traffic.paced(traffic.signing_in(contender, connections=1), 0.02),
    )


def _run_for(seconds: float, server: Server, streams: Sequence[Stream]) -> Sequence[Stream]:
    until = time.monotonic() + seconds
    Client(server.port, streams).run(lambda: time.monotonic() > until)
    return streams


def _clean_up(testbed: Testbed, client: Client) -> _Run:
    command = [sys.executable, "manage.py", "cleanup_tokens"]
    environment = dict(testbed.environment(testbed.full)) | {"HISTORY_RETENTION": "1s"}
    started = time.monotonic()
    with (
        cores.on_any_core(),
        subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process,
    ):
        watcher = _ProcessWatcher(process)
        client.run(watcher.has_ended)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"The cleanup failed with {process.returncode}.")
    return _Run(watcher.ended_at - started, watcher.peak_mib, output)


class _ProcessWatcher:
    """The end time and the peak memory of a process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.ended_at, self.peak_mib = 0.0, 0.0

    def has_ended(self) -> bool:
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if not pid:
            return False
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.ended_at, self.peak_mib = time.monotonic(), usage.ru_maxrss / 1024
        return True


def _end_sessions(testbed: Testbed, wanted: int) -> None:
    missing = max(0, wanted - _count(testbed, datetime.now(UTC)))
    names = [str(name) for (name,) in testbed.query(_COLUMNS)]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    values = sql.SQL(", ").join(
        sql.SQL(_NEW_VALUES[name]) if name in _NEW_VALUES else sql.Identifier(name) for name in names
    )
    statement = sql.SQL(
        "INSERT INTO sessions_tracking_session ({}) SELECT {} FROM sessions_tracking_session WHERE revoked_at IS NULL LIMIT {}"
    )
    while missing:
        done = testbed.execute(statement.format(columns, values, missing))
        missing -= done
        if not done:
            break
    testbed.query("VACUUM ANALYZE sessions_tracking_session")
    testbed.query("CHECKPOINT")


def _count(testbed: Testbed, at: datetime) -> int:
    return int(str(testbed.query(sql.SQL(_COUNT_ENDED).format(at=at))[0][0]))


def _total(streams: Sequence[Stream]) -> int:
    return sum(len(stream.seconds) for stream in streams)


def _slowest(streams: Sequence[Stream]) -> float:
    return max(stream.ms(1) for stream in streams)
