"""Count the SQL statements and Redis commands of one request, by PostgreSQL's log and Redis's MONITOR."""

import re
import time
from contextlib import closing
from dataclasses import dataclass

import redis
from psycopg import sql

from benchmarks import checks
from benchmarks.contender import Contender, Tokens
from benchmarks.load.plan import Request
from benchmarks.server import Server
from benchmarks.stores import Stores
from benchmarks.works import WORKS

_REQUESTS = 5
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): *([A-Za-z]+)")
_TRANSACTION_VERBS = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET"}
_END = "end-of-count"
_LOG_SECONDS = 0.2


@dataclass(frozen=True)
class Cost:
    """Of one request: SQL statements, BEGIN and COMMIT (and the like), and Redis commands."""

    statements: float
    transaction_statements: float
    commands: float


def count(server: Server, stores: Stores) -> dict[str, Cost]:
    """Count for each work that the contender supports."""
    stores.execute(sql.SQL("ALTER SYSTEM SET log_statement = 'all'"))
    stores.execute(sql.SQL("SELECT pg_reload_conf()"))
    try:
        time.sleep(_LOG_SECONDS)
        return {
            work.name: _count(server, stores, work.name, request)
            for work in WORKS
            if (request := work.get_request(server.contender)) is not None
        }
    finally:
        stores.execute(sql.SQL("ALTER SYSTEM RESET log_statement"))
        stores.execute(sql.SQL("SELECT pg_reload_conf()"))


def _count(server: Server, stores: Stores, name: str, request: Request) -> Cost:
    """Count all requests but the first, which warms caches. Each token was used before."""
    contender = server.contender
    signed_in = [server.sign_in(number) for number in range(_REQUESTS + 1)] if contender.login else []
    for tokens in signed_in:
        checks.get_me(server, tokens)
    requests = _filled_requests(contender, name, request, signed_in)
    server.send(requests[0])
    time.sleep(_LOG_SECONDS)
    start = stores.postgres_log.stat().st_size
    with (
        closing(redis.Redis.from_url(server.storage.redis_url, single_connection_client=True)) as client,
        client.monitor() as monitor,  # type: ignore[no-untyped-call]
    ):
        for following in requests[1:]:
            server.send(following)
        client.echo(_END)
        commands = _commands_until_end(monitor, server.storage.redis_number)
    time.sleep(_LOG_SECONDS)
    with stores.postgres_log.open(errors="replace") as log:
        log.seek(start)
        verbs = [verb.upper() for verb in _STATEMENT.findall(log.read())]
    transaction_statements = sum(verb in _TRANSACTION_VERBS for verb in verbs)
    return Cost(
        (len(verbs) - transaction_statements) / _REQUESTS, transaction_statements / _REQUESTS, commands / _REQUESTS
    )


def _filled_requests(contender: Contender, name: str, request: Request, signed_in: list[Tokens]) -> list[Request]:
    """Return requests with different tokens where a request consumes its token."""
    if name == "register":
        return [request.filled(number=900_000_000 + number) for number in range(_REQUESTS + 1)]
    if name == "login" or not signed_in:
        return [request.filled(number=number) for number in range(_REQUESTS + 1)]
    if name in {"refresh", "logout"}:
        return [
            request.filled(token=tokens.refresh if name == "refresh" else tokens.access, other=tokens.refresh)
            for tokens in signed_in
        ]
    return [request.filled(token=signed_in[0].access)] * (_REQUESTS + 1)


def _commands_until_end(monitor: redis.client.Monitor, number: int) -> int:
    """Count the commands to this Redis database. Commands inside a script do not count."""
    count = 0
    while True:
        entry = monitor.next_command()  # type: ignore[no-untyped-call]
        if _END in entry["command"]:
            return count
        count += entry["db"] == number and entry["client_type"] != "lua"
