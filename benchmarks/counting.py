"""What one request asks of the stores, counted there: PostgreSQL logs its statements, Redis tells what it is told."""

import re
import time
from contextlib import closing
from dataclasses import dataclass

import redis
from psycopg import sql

from benchmarks import checks
from benchmarks.contender import Contender, Tokens
from benchmarks.load.plan import Ask
from benchmarks.server import Server
from benchmarks.stores import Stores
from benchmarks.works import WORKS

_REQUESTS = 5
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): *([A-Za-z]+)")
_FRAMES = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET"}
_END = "end-of-count"
_LOG_SECONDS = 0.2


@dataclass(frozen=True)
class Cost:
    """Of one request: statements without transaction marks, these marks, and commands to Redis."""

    statements: float
    marks: float
    commands: float


def count(server: Server, stores: Stores) -> dict[str, Cost]:
    """Of each work that the contender has."""
    stores.execute(sql.SQL("ALTER SYSTEM SET log_statement = 'all'"))
    stores.execute(sql.SQL("SELECT pg_reload_conf()"))
    try:
        time.sleep(_LOG_SECONDS)
        return {
            work.name: _count(server, stores, work.name, ask)
            for work in WORKS
            if (ask := work.request_of(server.contender)) is not None
        }
    finally:
        stores.execute(sql.SQL("ALTER SYSTEM RESET log_statement"))
        stores.execute(sql.SQL("SELECT pg_reload_conf()"))


def _count(server: Server, stores: Stores, name: str, ask: Ask) -> Cost:
    """The first request of each kind warms caches and prepares; those after it are counted. Each token was used before."""
    contender = server.contender
    signed_in = [server.sign_in(number) for number in range(_REQUESTS + 1)] if contender.login else []
    for tokens in signed_in:
        checks.who_am_i(server, tokens)
    asks = _asks(contender, name, ask, signed_in)
    server.send(asks[0])
    time.sleep(_LOG_SECONDS)
    start = stores.postgres_log.stat().st_size
    with (
        closing(redis.Redis.from_url(server.place.redis_url, single_connection_client=True)) as client,
        client.monitor() as monitor,  # type: ignore[no-untyped-call]
    ):
        for one in asks[1:]:
            server.send(one)
        client.echo(_END)
        commands = _commands_until_end(monitor, server.place.redis_number)
    time.sleep(_LOG_SECONDS)
    with stores.postgres_log.open(errors="replace") as log:
        log.seek(start)
        verbs = [verb.upper() for verb in _STATEMENT.findall(log.read())]
    marks = sum(verb in _FRAMES for verb in verbs)
    return Cost((len(verbs) - marks) / _REQUESTS, marks / _REQUESTS, commands / _REQUESTS)


def _asks(contender: Contender, name: str, ask: Ask, signed_in: list[Tokens]) -> list[Ask]:
    """Each with tokens of its own, as they are used up by some."""
    if name == "register":
        return [ask.filled(number=900_000_000 + number) for number in range(_REQUESTS + 1)]
    if name == "login" or not signed_in:
        return [ask.filled(number=number) for number in range(_REQUESTS + 1)]
    if name in {"refresh", "logout"}:
        return [
            ask.filled(token=tokens.refresh if name == "refresh" else tokens.access, other=tokens.refresh)
            for tokens in signed_in
        ]
    return [ask.filled(token=signed_in[0].access)] * (_REQUESTS + 1)


def _commands_until_end(monitor: redis.client.Monitor, number: int) -> int:
    """Those to the Redis database of that number. What a script does by itself is not a command of the request."""
    found = 0
    while True:
        told = monitor.next_command()  # type: ignore[no-untyped-call]
        if _END in told["command"]:
            return found
        found += told["db"] == number and told["client_type"] != "lua"
