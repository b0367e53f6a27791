"""EXPLAIN each statement of the usual requests: none may scan a large table."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.contender import PASSWORD, as_json, bearing
from benchmarks.load.plan import Request
from benchmarks.scale.finding import Finding, zero
from benchmarks.scale.testbed import Testbed
from benchmarks.server import Server

_BIG_TABLE_ROWS = 10_000  # rows; a scan is the better plan for smaller tables
_LOG_SECONDS = 0.3
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): *((?:SELECT|INSERT|UPDATE|DELETE|WITH)\b.*)")
_SIZES = "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'"


def examine(testbed: Testbed) -> Iterator[Finding]:
    sizes = {str(name): int(str(rows)) for name, rows in testbed.query(_SIZES)}
    total, bad = 0, []
    with testbed.serving(testbed.full) as server, _connected(testbed) as connection:
        for name, request in _requests(testbed, server):
            statements = _logged_statements(testbed, server, request)
            total += len(statements)
            for statement in statements:
                tables = _scanned_tables(_plan(connection, statement))
                bad += [f"{name}: {table}: {statement}" for table in tables if sizes.get(table, 0) >= _BIG_TABLE_ROWS]
    yield zero(f"statements of {total} that scan a large table", len(bad), statements=bad, total=total)


def _connected(testbed: Testbed) -> "closing[psycopg.Connection[Any]]":
    """Return a connection that sends text, so that a placeholder such as $1 stays one."""
    return closing(psycopg.connect(testbed.full.postgres_url, autocommit=True, cursor_factory=psycopg.ClientCursor))


def _requests(testbed: Testbed, server: Server) -> Iterator[tuple[str, Request]]:
    """Yield each request once, without entries in Redis, so that the database is queried."""
    contender = testbed.contender
    first, second = (server.sign_in(number).access for number in (30, 31))
    header = bearing()
    requests = {
        "forward-auth": Request("GET", "/api/auth/forward-auth", header),
        "me": Request("GET", "/api/auth/me", header),
        "patch me": Request("PATCH", "/api/auth/me", header, as_json(firstName="Alice")),
        "activity": Request("GET", "/api/auth/me/activity", header),
        "sessions": Request("GET", "/api/auth/sessions", header),
        "forgot-password": Request("POST", "/api/auth/forgot-password", body=as_json(email="user32@example.com")),
        "change-password": Request(
            "POST", "/api/auth/change-password", header, as_json(currentPassword=PASSWORD, newPassword=PASSWORD + "8")
        ),
        "logout-all": Request("POST", "/api/auth/logout-all", header),
    }
    testbed.forget_entries()
    for name, request in requests.items():
        yield name, request.filled(token=first)
    assert contender.login and contender.register and contender.refresh and contender.logout  # noqa: S101, PT018 - the product has all
    yield "login", contender.login.filled(number=33)
    yield (
        "login, wrong password",
        Request("POST", contender.login.path, body=as_json(username="user34", password="Wrong-1")),
    )
    yield "register", contender.register.filled(number=950_000_001)
    yield "refresh", contender.refresh.filled(token=server.sign_in(35).refresh)
    yield "logout", contender.logout.filled(token=second)


def _logged_statements(testbed: Testbed, server: Server, request: Request) -> list[str]:
    _set_log_statement(testbed, "all")
    start = testbed.stores.postgres_log.stat().st_size
    response = server.send(request)
    time.sleep(_LOG_SECONDS)
    with testbed.stores.postgres_log.open(errors="replace") as log:
        log.seek(start)
        statements = _STATEMENT.findall(log.read())
    _set_log_statement(testbed, "none")
    if response.status >= 500:
        raise RuntimeError(f"{request.path}: {response.status} {response.body[:300]!r}")
    return list(dict.fromkeys(statement for statement in statements if "pg_" not in statement))


def _set_log_statement(testbed: Testbed, value: str) -> None:
    testbed.stores.execute(sql.SQL("ALTER SYSTEM SET log_statement = {}").format(value))
    testbed.stores.execute(sql.SQL("SELECT pg_reload_conf()"))
    time.sleep(_LOG_SECONDS)


def _plan(connection: "psycopg.Connection[Any]", statement: str) -> dict[str, Any]:
    """Return the plan without running the statement. A prepared one has placeholders instead of values."""
    generic = ", GENERIC_PLAN" if re.search(r"\$\d", statement) else ""
    row = connection.execute(f"EXPLAIN (FORMAT JSON{generic}) {statement}".encode()).fetchone()
    assert row is not None  # noqa: S101 - EXPLAIN returns a row
    plans = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return dict(plans[0]["Plan"])


def _scanned_tables(node: dict[str, Any]) -> list[str]:
    own = [str(node["Relation Name"])] if node["Node Type"] == "Seq Scan" else []
    return own + [table for child in node.get("Plans", []) for table in _scanned_tables(child)]
