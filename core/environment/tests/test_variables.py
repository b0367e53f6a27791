"""Every variable of docs/configuration.md: an unusual value is parsed, or stops the start with the variable's name."""

import os
import re
import subprocess
import sys
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from core.environment.env import BadVariable
from core.environment.tests.variables_table import ROWS, Row
from core.paths import BASE_DIR
from core.testing.fresh_settings import PRODUCTION, load

CONFIGURATION = (BASE_DIR / "docs" / "configuration.md").read_text()
# Read by `manage.py serve` and by the Makefile instead of the settings; the tests at the end of this file start those.
OF_COMMANDS = {"WEB_WORKERS", "PROMETHEUS_MULTIPROC_DIR"}


def _documented() -> set[str]:
    table = CONFIGURATION.partition("## Variables")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)}


def _setting(settings: Any, path: str) -> Any:
    first, *rest = path.split(".")
    return reduce(
        lambda value, key: value[int(key) if isinstance(value, tuple) else key], rest, getattr(settings, first)
    )


def _name(value: object) -> str:
    return f"{value.variable}={value.value[:40]!r}" if isinstance(value, Row) else str(value)


@pytest.mark.parametrize("row", [row for row in ROWS if row.expected is None], ids=_name)
def test_an_unusable_value_stops_the_start_with_the_name_of_its_variable(row: Row) -> None:
    with pytest.raises(BadVariable) as caught:
        load({**PRODUCTION, **row.others, row.variable: row.value})

    assert str(caught.value).startswith(f"{row.variable} ")
    assert "\n" not in str(caught.value)
    assert not re.search("s3cret|s3/cret|hunter2", str(caught.value))


@pytest.mark.parametrize("row", [row for row in ROWS if row.expected is not None], ids=_name)
def test_a_usable_value_is_parsed_as_documented(row: Row) -> None:
    settings = load({**PRODUCTION, **row.others, row.variable: row.value})

    assert row.expected
    assert {name: _setting(settings, name) for name in row.expected} == row.expected


def test_every_documented_variable_has_rows() -> None:
    rows = {row.variable for row in ROWS}

    assert _documented() - OF_COMMANDS - rows == set()
    assert len(_documented()) > 50


def test_every_variable_refuses_some_value() -> None:
    assert {row.variable for row in ROWS} - {row.variable for row in ROWS if row.expected is None} == set()


@pytest.mark.parametrize("secret", ["SECRET_KEY", "JWT_SECRET_KEY", "MFA_ENCRYPTION_KEYS", "METRICS_TOKEN"])
def test_no_refused_secret_is_quoted(secret: str) -> None:
    for value in ("hunter2-hunter2", " hunter2", "#hunter2", "hunter2\nhunter2", "hunter2  # hunter2"):
        with pytest.raises(BadVariable) as caught:
            load({**PRODUCTION, secret: value})

        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("WEB_WORKERS", "0"), ("WEB_WORKERS", "1e9"), ("WEB_WORKERS", "513"), ("PORT", "70000"), ("HOST", "no-such-host.invalid"),
     ("HOST", "192.0.2.1"), ("PROMETHEUS_MULTIPROC_DIR", "/dev/null/counts")],
)  # fmt: skip
def test_the_server_does_not_start_with_an_unusable_value(tmp_path: Path, name: str, value: str) -> None:
    environment = {
        **PRODUCTION,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "PATH": os.environ["PATH"],
        name: value,
    }

    result = subprocess.run(
        [sys.executable, "manage.py", "serve"], cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False,
        timeout=50,
    )  # fmt: skip

    assert result.returncode == 1
    assert re.match(rf"{name} (must be|names)", result.stderr), result.stderr
    assert not (tmp_path / "db.sqlite3").exists()
