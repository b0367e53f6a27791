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
from benchmarks.scale.finding import Finding, at_most, none
from benchmarks.scale.ground import Ground
from benchmarks.scale.watch import Connections
from benchmarks.server import Server
from core.paths import BASE_DIR

_WARM_SECONDS, _QUIET_SECONDS = 1.0, 5.0
_MOST_SECONDS, _MOST_MIB, _MOST_MS = 10.0, 200.0, 100.0
# Others end by themselves meanwhile, and are for the next cleanup.
_ENDED = "SELECT count(*) FROM sessions_tracking_session WHERE revoked_at <= {at} OR expires_at <= {at}"
_COLUMNS = """SELECT column_name FROM information_schema.columns
              WHERE table_name = 'sessions_tracking_session' ORDER BY ordinal_position"""
# As old as sessions get, one row after the other in the order in which they were made.
_MADE_ANEW = {
    "id": "uuidv7(interval '-60 days' + row_number() OVER () * interval '1 second')",
    "refresh_jti": "gen_random_uuid()",
    "expires_at": "now() - random() * interval '20 days' - interval '1 minute'",
}


@dataclass(frozen=True)
class _Run:
    seconds: float
    mib: float
    output: str


def beside_traffic(ground: Ground, *, sessions: int) -> Iterator[Finding]:
    _end_sessions(ground, sessions)
    at = datetime.now(UTC)
    over = _count(ground, at)
    with ground.serving(ground.full) as server, Connections(ground) as connections:
        _run_for(_WARM_SECONDS, server, _streams(server))
        quiet = _run_for(_QUIET_SECONDS, server, _streams(server))
        streams = _streams(server)
        run = _cleaned_up(ground, Client(server.port, streams))
    yield at_most(f"cleanup of {over:,} ended sessions", run.seconds, _MOST_SECONDS, "s", output=run.output)
    yield at_most("its memory", run.mib, _MOST_MIB, "MiB")
    yield at_most(
        f"the slowest of {_total(streams):,} requests meanwhile ({_slowest(quiet):.0f} ms without it)",
        _slowest(streams), _MOST_MS, "ms", p99_ms={one.name: round(one.ms(0.99), 1) for one in streams},
    )  # fmt: skip
    wrong = {one.name: dict(one.statuses) for one in streams if one.wrong}
    yield none("wrong answers meanwhile", sum(one.wrong for one in streams), statuses=wrong)
    yield none("ended sessions left", _count(ground, at))
    yield connections.judged("beside the cleanup")


def _streams(server: Server) -> Sequence[Stream]:
    """A few hundred requests a second, over one connection a kind: what is measured is not the wait for one another."""
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


def _cleaned_up(ground: Ground, client: Client) -> _Run:
    command = [sys.executable, "manage.py", "cleanup_tokens"]
    environment = dict(ground.environment(ground.full)) | {"HISTORY_RETENTION": "1s"}
    started = time.monotonic()
    with (
        cores.on_any_core(),
        subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True) as process,
    ):
        watched = _Watched(process)
        client.run(watched.has_ended)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"The cleanup failed with {process.returncode}.")
    return _Run(watched.ended_at - started, watched.peak_mib, output)


class _Watched:
    """When a process ended, and the most memory that it had."""

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


def _end_sessions(ground: Ground, wanted: int) -> None:
    missing = max(0, wanted - _count(ground, datetime.now(UTC)))
    names = [str(name) for (name,) in ground.query(_COLUMNS)]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    values = sql.SQL(", ").join(
        sql.SQL(_MADE_ANEW[name]) if name in _MADE_ANEW else sql.Identifier(name) for name in names
    )
    statement = sql.SQL(
        "INSERT INTO sessions_tracking_session ({}) SELECT {} FROM sessions_tracking_session WHERE revoked_at IS NULL LIMIT {}"
    )
    while missing:
        done = ground.execute(statement.format(columns, values, missing))
        missing -= done
        if not done:
            break
    ground.query("VACUUM ANALYZE sessions_tracking_session")
    ground.query("CHECKPOINT")


def _count(ground: Ground, at: datetime) -> int:
    return int(str(ground.query(sql.SQL(_ENDED).format(at=at))[0][0]))


def _total(streams: Sequence[Stream]) -> int:
    return sum(len(one.seconds) for one in streams)


def _slowest(streams: Sequence[Stream]) -> float:
    return max(one.ms(1) for one in streams)
