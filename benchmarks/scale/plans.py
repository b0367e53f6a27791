"""What PostgreSQL does for each statement of the usual requests: none may read a big table from one end to the other."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.contender import PASSWORD, as_json, bearing
from benchmarks.load.plan import Ask
from benchmarks.scale.finding import Finding, none
from benchmarks.scale.ground import Ground
from benchmarks.server import Server

_BIG = 10_000  # rows; below, to read all of them is the better plan
_LOG_SECONDS = 0.3
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): *((?:SELECT|INSERT|UPDATE|DELETE|WITH)\b.*)")
_SIZES = "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'"


def examined(ground: Ground) -> Iterator[Finding]:
    sizes = {str(name): int(str(rows)) for name, rows in ground.query(_SIZES)}
    total, bad = 0, []
    with ground.serving(ground.full) as server, _connected(ground) as connection:
        for name, ask in _requests(ground, server):
            statements = _statements_of(ground, server, ask)
            total += len(statements)
            for statement in statements:
                tables = _read_whole(_plan(connection, statement))
                bad += [f"{name}: {table}: {statement}" for table in tables if sizes.get(table, 0) >= _BIG]
    yield none(f"statements of {total} that read a big table whole", len(bad), statements=bad, total=total)


def _connected(ground: Ground) -> "closing[psycopg.Connection[Any]]":
    """It sends text alone: a place in a statement, such as $1, is to stay one."""
    return closing(psycopg.connect(ground.full.postgres_url, autocommit=True, cursor_factory=psycopg.ClientCursor))


def _requests(ground: Ground, server: Server) -> Iterator[tuple[str, Ask]]:
    """Each once, the account's own first use of it included: with entries in Redis gone, the database is asked."""
    contender = ground.contender
    first, second = (server.sign_in(number).access for number in (30, 31))
    header = bearing()
    asks = {
        "forward-auth": Ask("GET", "/api/auth/forward-auth", header),
        "me": Ask("GET", "/api/auth/me", header),
        "patch me": Ask("PATCH", "/api/auth/me", header, as_json(firstName="Somebody")),
        "activity": Ask("GET", "/api/auth/me/activity", header),
        "sessions": Ask("GET", "/api/auth/sessions", header),
        "forgot-password": Ask("POST", "/api/auth/forgot-password", body=as_json(email="user32@example.com")),
        "change-password": Ask(
            "POST", "/api/auth/change-password", header, as_json(currentPassword=PASSWORD, newPassword=PASSWORD + "8")
        ),
        "logout-all": Ask("POST", "/api/auth/logout-all", header),
    }
    ground.forget_entries()
    for name, ask in asks.items():
        yield name, ask.filled(token=first)
    assert contender.login and contender.register and contender.refresh and contender.logout  # noqa: S101, PT018 - it has all
    yield "login", contender.login.filled(number=33)
    yield (
        "login, wrong password",
        Ask("POST", contender.login.path, body=as_json(username="user34", password="Wrong-1")),
    )
    yield "register", contender.register.filled(number=950_000_001)
    yield "refresh", contender.refresh.filled(token=server.sign_in(35).refresh)
    yield "logout", contender.logout.filled(token=second)


def _statements_of(ground: Ground, server: Server, ask: Ask) -> list[str]:
    _log(ground, "all")
    start = ground.stores.postgres_log.stat().st_size
    reply = server.send(ask)
    time.sleep(_LOG_SECONDS)
    with ground.stores.postgres_log.open(errors="replace") as log:
        log.seek(start)
        found = _STATEMENT.findall(log.read())
    _log(ground, "none")
    if reply.status >= 500:
        raise RuntimeError(f"{ask.path}: {reply.status} {reply.body[:300]!r}")
    return list(dict.fromkeys(one for one in found if "pg_" not in one))


def _log(ground: Ground, what: str) -> None:
    ground.stores.execute(sql.SQL("ALTER SYSTEM SET log_statement = {}").format(what))
    ground.stores.execute(sql.SQL("SELECT pg_reload_conf()"))
    time.sleep(_LOG_SECONDS)


def _plan(connection: "psycopg.Connection[Any]", statement: str) -> dict[str, Any]:
    """Nothing runs. A statement that PostgreSQL knows by name has places instead of values."""
    generic = ", GENERIC_PLAN" if re.search(r"\$\d", statement) else ""
    row = connection.execute(f"EXPLAIN (FORMAT JSON{generic}) {statement}".encode()).fetchone()
    assert row is not None  # noqa: S101 - EXPLAIN answers
    plans = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return dict(plans[0]["Plan"])


def _read_whole(node: dict[str, Any]) -> list[str]:
    own = [str(node["Relation Name"])] if node["Node Type"] == "Seq Scan" else []
    return own + [table for child in node.get("Plans", []) for table in _read_whole(child)]
