"""A second `migrate`, concurrent ones, and one after a kill: each exits with 0, and the schema is complete."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import DjangoDbBlocker

from core.paths import BASE_DIR
from core.testing import live_database, live_server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

_TIMEOUT_SECONDS = 60
_KILLS = 6
Process = subprocess.Popen[str]


@pytest.fixture
def empty_database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database without tables, for this process and for subprocesses."""
    with live_database.in_use(tmp_path, django_db_blocker):
        _empty_database()
        yield


def _empty_database() -> None:
    if connection.vendor == "sqlite":
        path = Path(str(connection.settings_dict["NAME"]))
        connection.close()
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def _migrate() -> Process:
    command = [sys.executable, "manage.py", "migrate", "--no-input"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=BASE_DIR, env=live_server.environment(), text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def _output_of(process: Process) -> str:
    output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
    assert process.returncode == 0, output
    return output


def _applied(output: str) -> list[str]:
    return re.findall(r"Applying (\S+)\.\.\. OK", output)


def _assert_complete() -> None:
    with closing(connection):
        recorded = list(MigrationRecorder(connection).applied_migrations())
        tables = set(connection.introspection.table_names())
    assert len(recorded) == len(set(recorded))
    assert {"accounts_user", "accounts_outboxemail", "sessions_tracking_session"} <= tables
    check = [sys.executable, "manage.py", "migrate", "--check"]
    assert subprocess.run(check, cwd=BASE_DIR, env=live_server.environment(), check=False).returncode == 0


@pytest.mark.usefixtures("empty_database")
def test_a_second_migrate_applies_nothing() -> None:
    assert _applied(_output_of(_migrate()))

    assert "No migrations to apply." in _output_of(_migrate())

    _assert_complete()


@pytest.mark.usefixtures("empty_database")
def test_of_concurrent_migrates_one_applies_and_the_others_wait() -> None:
    outputs = [_output_of(process) for process in [_migrate() for _ in range(3)]]

    assert sorted(map(bool, map(_applied, outputs))) == [False, False, True]
    assert sum("No migrations to apply." in output for output in outputs) == 2
    _assert_complete()


@pytest.mark.usefixtures("empty_database")
def test_the_next_migrate_completes_a_killed_one() -> None:
    """The kills fall between the first and the last migration, and no killed process leaves a lock."""
    for number in range(_KILLS):
        process = _migrate()
        assert process.stdout
        line = next((line for line in process.stdout if "Applying" in line), None)
        time.sleep(0.02 * number)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=_TIMEOUT_SECONDS)
        if line is None:
            break

    _output_of(_migrate())

    _assert_complete()
