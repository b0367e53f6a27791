"""No statement of the project leaves state on a server connection, which a pooler would hand to another client."""

import re

import pytest

from config.settings import database
from core.paths import BASE_DIR

# Statements with effect until the end of the session. Each has a form that ends with the transaction.
SESSION_STATE = re.compile(
    r"pg_(try_)?advisory_(un)?lock(_shared)?\("
    r"|(?-i:\bLISTEN )|\bCREATE TEMP|\bDECLARE \w+ .*CURSOR|\bPREPARE \w+ (AS|\()"
    r"|\bSET (SESSION|TIME ZONE|ROLE|search_path|statement_timeout|lock_timeout|timezone)"
    r"|set_config\([^)]*false\)",
    re.IGNORECASE,
)


def test_no_statement_leaves_state_on_its_connection() -> None:
    matches = [
        f"{path.relative_to(BASE_DIR)}: {match[0]}"
        for app in ("accounts", "config", "core", "sessions_tracking")
        for path in (BASE_DIR / app).rglob("*.py")
        if "tests" not in path.parts
        for match in SESSION_STATE.finditer(path.read_text())
    ]

    assert not matches


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_advisory_lock(1)",
        "LISTEN news",
        "CREATE TEMPORARY TABLE t",
        "SET TIME ZONE 'UTC'",
        "set_config('a', 'b', false)",
    ],
)
def test_the_rule_recognises_forbidden_statements(statement: str) -> None:
    assert SESSION_STATE.search(statement)


def test_server_side_cursors_are_disabled() -> None:
    config = database._connection({"ENGINE": "django.db.backends.postgresql"})

    assert config["DISABLE_SERVER_SIDE_CURSORS"] is True
