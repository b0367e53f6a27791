"""Everybody at once: logins that wait for bcrypt, and all sessions refreshing after a deploy that emptied Redis."""

import hashlib
import time
from collections.abc import Iterator, Sequence

import bcrypt
from psycopg import sql

from benchmarks.contender import PASSWORD
from benchmarks.load.streams import Answer, Client, Stream
from benchmarks.scale import traffic
from benchmarks.scale.finding import Finding, at_most, none
from benchmarks.scale.ground import Ground
from benchmarks.scale.watch import Connections
from benchmarks.server import Server

_LOGINS = 300
_ROUNDS = 12
_ASKING = 4  # connections each
_PAUSE_SECONDS = 0.01
_MOST_MS = 250.0
_PATIENCE_SECONDS = 90.0  # for logins that are in the queue when it ends


def of_logins(ground: Ground, *, seconds: float) -> Iterator[Finding]:
    """Meanwhile others ask who they are. Who is told to come back later does so then."""
    _set_passwords(ground)
    with ground.serving(ground.full, BCRYPT_ROUNDS=str(_ROUNDS)) as server, Connections(ground) as connections:
        access = [server.sign_in(number).access for number in range(_ASKING)]
        quiet = _run(server, _asking(server, access), seconds / 4)
        logins = traffic.signing_in(server.contender, connections=_LOGINS)
        logins.is_right, logins.pause = _is_clean, _as_told
        streams = _run(server, [*_asking(server, access), logins], seconds)
    for before, after in zip(quiet, streams, strict=False):
        title = f"p99 of `{after.name}` while {_LOGINS} logins wait ({before.ms(0.99):.0f} ms without them)"
        yield at_most(
            title, after.ms(0.99), _MOST_MS, "ms", p50_ms=round(after.ms(0.5), 1), slowest_ms=round(after.ms(1))
        )
        yield none(f"wrong answers of `{after.name}` meanwhile", after.wrong)
    done, told = logins.statuses[200], logins.statuses[503]
    told_of = f"{done:,} signed in, {told:,} told to come back; slowest answer {logins.ms(1) / 1000:.1f} s"
    yield none(f"logins neither let in nor told when to come back ({told_of})", logins.wrong, done=done, told=told)
    yield connections.judged("in a storm of logins")


def of_refreshes(ground: Ground, *, sessions: int, connections: int) -> Iterator[Finding]:
    tokens = ground.tokens("refresh", sessions)
    ground.forget_entries()
    with ground.serving(ground.full) as server, Connections(ground) as watched:
        stream = traffic.once_each("refresh", server.contender.refresh, tokens, connections=connections)
        seconds = Client(server.port, [stream]).run()
    rate = len(stream.seconds) / seconds
    figures: dict[str, object] = {"rate": round(rate), "p99_ms": round(stream.ms(0.99), 1)}
    title = f"{len(tokens):,} sessions refresh after a deploy, {connections} connections"
    yield Finding(title, f"{rate:,.0f} a second, p99 {stream.ms(0.99):.0f} ms", figures=figures)
    yield none("errors meanwhile", stream.wrong, statuses=dict(stream.statuses))
    yield watched.judged("in a storm of refreshes")


def _asking(server: Server, access: Sequence[str]) -> list[Stream]:
    asks = {"me": server.contender.me, "forward_auth": server.contender.forward_auth}
    return [
        traffic.paced(traffic.with_tokens(name, ask, access, connections=_ASKING), _PAUSE_SECONDS)
        for name, ask in asks.items()
    ]


def _run(server: Server, streams: list[Stream], seconds: float) -> list[Stream]:
    until = time.monotonic() + seconds
    Client(server.port, streams).run(lambda: time.monotonic() > until, patience=_PATIENCE_SECONDS)
    return streams


def _is_clean(answer: Answer) -> bool:
    return answer.status == 200 or (answer.status == 503 and answer.retry_after is not None)


def _as_told(answer: Answer) -> float:
    return float(answer.retry_after or 0)


def _set_passwords(ground: Ground) -> None:
    """Of those who sign in, as if they had been set at the cost of a deployment."""
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest().encode()
    hashed = f"bcrypt_sha256${bcrypt.hashpw(digest, bcrypt.gensalt(_ROUNDS)).decode()}"
    statement = sql.SQL("UPDATE accounts_user SET password = {} WHERE username LIKE 'user%'")
    ground.execute(statement.format(hashed))
