"""Load peaks: logins that wait for bcrypt, and all sessions refreshing after a deployment that emptied Redis."""

import hashlib
import time
from collections.abc import Iterator, Sequence

import bcrypt
from psycopg import sql

from benchmarks.contender import PASSWORD
from benchmarks.load.streams import Client, Stream, StreamResponse
from benchmarks.scale import traffic
from benchmarks.scale.connection_counter import ConnectionCounter
from benchmarks.scale.finding import Finding, at_most, zero
from benchmarks.scale.testbed import Testbed
from benchmarks.server import Server

_LOGINS = 300
_ROUNDS = 12
_READERS = 4  # connections each
_PAUSE_SECONDS = 0.01
_MAX_MS = 250.0
_DRAIN_SECONDS = 90.0  # for logins in the queue at the end


def measure_logins(testbed: Testbed, *, seconds: float) -> Iterator[Finding]:
    """Send `me` and `forward-auth` meanwhile. Logins that get 503 retry after Retry-After."""
    _set_passwords(testbed)
    with testbed.serving(testbed.full, BCRYPT_ROUNDS=str(_ROUNDS)) as server, ConnectionCounter(testbed) as connections:
        access = [server.sign_in(number).access for number in range(_READERS)]
        quiet = _run(server, _reading(server, access), seconds / 4)
        logins = traffic.signing_in(server.contender, connections=_LOGINS)
        logins.is_correct, logins.pause = _is_expected, _retry_after
        streams = _run(server, [*_reading(server, access), logins], seconds)
    for before, after in zip(quiet, streams, strict=False):
        title = f"p99 of `{after.name}` while {_LOGINS} logins wait ({before.ms(0.99):.0f} ms without them)"
        yield at_most(
            title, after.ms(0.99), _MAX_MS, "ms", p50_ms=round(after.ms(0.5), 1), slowest_ms=round(after.ms(1))
        )
        yield zero(f"wrong responses of `{after.name}` meanwhile", after.wrong)
    done, rejected = logins.statuses[200], logins.statuses[503]
    summary = f"{done:,} signed in, {rejected:,} told to retry; slowest response {logins.ms(1) / 1000:.1f} s"
    yield zero(f"logins neither accepted nor told to retry ({summary})", logins.wrong, done=done, rejected=rejected)
    yield connections.finding("in a storm of logins")


def measure_refreshes(testbed: Testbed, *, sessions: int, connections: int) -> Iterator[Finding]:
    tokens = testbed.tokens("refresh", sessions)
    testbed.forget_entries()
    with testbed.serving(testbed.full) as server, ConnectionCounter(testbed) as watched:
        stream = traffic.once_each("refresh", server.contender.refresh, tokens, connections=connections)
        seconds = Client(server.port, [stream]).run()
    rate = len(stream.seconds) / seconds
    details: dict[str, object] = {"rate": round(rate), "p99_ms": round(stream.ms(0.99), 1)}
    title = f"{len(tokens):,} sessions refresh after a deployment, {connections} connections"
    yield Finding(title, f"{rate:,.0f} per second, p99 {stream.ms(0.99):.0f} ms", details=details)
    yield zero("errors meanwhile", stream.wrong, statuses=dict(stream.statuses))
    yield watched.finding("in a storm of refreshes")


def _reading(server: Server, access: Sequence[str]) -> list[Stream]:
    requests = {"me": server.contender.me, "forward_auth": server.contender.forward_auth}
    return [
        traffic.paced(traffic.with_tokens(name, request, access, connections=_READERS), _PAUSE_SECONDS)
        for name, request in requests.items()
    ]


def _run(server: Server, streams: list[Stream], seconds: float) -> list[Stream]:
    until = time.monotonic() + seconds
    Client(server.port, streams).run(lambda: time.monotonic() > until, drain_seconds=_DRAIN_SECONDS)
    return streams


def _is_expected(response: StreamResponse) -> bool:
    return response.status == 200 or (response.status == 503 and response.retry_after is not None)


def _retry_after(response: StreamResponse) -> float:
    return float(response.retry_after or 0)


def _set_passwords(testbed: Testbed) -> None:
    """Hash the passwords of the users that sign in at the cost of a deployment."""
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest().encode()
    hashed = f"bcrypt_sha256${bcrypt.hashpw(digest, bcrypt.gensalt(_ROUNDS)).decode()}"
    statement = sql.SQL("UPDATE accounts_user SET password = {} WHERE username LIKE 'user%'")
    testbed.execute(statement.format(hashed))
