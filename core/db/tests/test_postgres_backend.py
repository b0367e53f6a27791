"""Connections to PostgreSQL are reused between requests while they work, and only by their own process."""

import copy
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.db.utils import ConnectionHandler, NotSupportedError, ProgrammingError

from config.settings import database
from core.db.postgres import idle

pytestmark = [
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("postgres"), reason="is about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]

Make = Callable[..., Any]


@pytest.fixture
def make() -> Iterator[Make]:
    """`make(max_idle=2)` is a connection of Django's as a request has one, to the database of this test."""
    made: list[Any] = []

    def build(**options: Any) -> Any:
        config = copy.deepcopy(connections.settings["default"])
        config["OPTIONS"] |= {"max_idle": 2} | options
        made.append(ConnectionHandler({"default": config})["default"])
        made[-1].inc_thread_sharing()
        return made[-1]

    yield build
    for one in made:
        one.close()
        one.close_pool()


def _backend(wrapper: Any) -> int:
    """The server's process behind the connection."""
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _end(backend: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        assert cursor.fetchone() == (True,)


def _is_there(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [backend])
        return bool(cursor.rowcount)


def test_django_treats_the_backend_as_postgresql() -> None:
    assert connection.vendor == "postgresql"
    assert connections.settings["default"]["ENGINE"] == "core.db.postgres"


def test_a_closed_connection_is_reused_by_the_next_request(make: Make) -> None:
    first, second = make(), make()
    used = _backend(first)
    first.close()

    assert _backend(second) == used


def test_a_connection_that_the_server_closed_is_not_reused(make: Make) -> None:
    first, second = make(), make()
    kept = {_backend(first), _backend(second)}
    first.close()
    second.close()
    for backend in kept:
        _end(backend)

    assert _backend(first) not in kept


def test_at_most_max_idle_connections_stay_open(make: Make) -> None:
    wrappers = [make() for _ in range(5)]
    used = {_backend(wrapper) for wrapper in wrappers}
    for wrapper in wrappers:
        wrapper.close()

    assert len({_backend(wrapper) for wrapper in wrappers} & used) == 2


def test_a_connection_that_idled_too_long_is_closed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make(), make()
    used = _backend(first)
    first.close()
    time.sleep(0.02)

    with monkeypatch.context() as patch:
        patch.setattr(idle, "MAX_IDLE_SECONDS", 0.01)
        assert _backend(second) != used


def test_a_connection_in_a_transaction_is_not_reused(make: Make) -> None:
    first, second = make(), make()
    first.set_autocommit(False)
    used = _backend(first)
    first.close()

    assert _backend(second) != used


def test_a_process_does_not_reuse_the_idle_connections_of_another(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make(), make()
    used = _backend(first)
    first.close()

    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        assert _backend(second) != used


def test_a_forked_process_does_not_keep_the_connection_of_its_parent(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(), make()
    used = _backend(first)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        first.close()

    assert _backend(second) != used


def test_threads_that_come_and_go_leave_no_connection_behind(make: Make) -> None:
    wrapper = make()

    def work(_number: int) -> int:
        own = make()
        backend = _backend(own)
        own.close()
        return backend

    with ThreadPoolExecutor(2) as pool:
        backends = set(pool.map(work, range(30)))

    assert len(backends) <= 4
    assert _backend(wrapper) in backends


def test_closing_the_pool_closes_idle_connections_so_that_the_database_can_be_dropped(make: Make) -> None:
    wrapper = make()
    used = _backend(wrapper)
    wrapper.close()

    wrapper.close_pool()

    deadline = time.monotonic() + 5
    while _is_there(used):
        assert time.monotonic() < deadline


def test_connections_of_other_options_are_not_mixed(make: Make) -> None:
    first, second = make(), make(application_name="another")
    used = _backend(first)
    first.close()

    assert _backend(second) != used


def test_a_reused_connection_keeps_its_isolation_level(make: Make) -> None:
    strict = {"isolation_level": psycopg.IsolationLevel.SERIALIZABLE}
    first, second = make(**strict), make(**strict)
    used = _backend(first)
    first.close()

    second.set_autocommit(False)
    with second.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("serializable",)
    second.rollback()
    second.set_autocommit(True)
    assert (_backend(second), second.isolation_level) == (used, psycopg.IsolationLevel.SERIALIZABLE)


def test_options_in_the_database_url_override_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgres://user:secret@db.test:5433/name?sslmode=require&connect_timeout=9&application_name=x"
    monkeypatch.setenv("DATABASE_URL", address)

    config = database._database()

    assert (config["ENGINE"], config["HOST"], config["PORT"]) == ("core.db.postgres", "db.test", 5433)
    asked = {"sslmode": "require", "connect_timeout": 9, "application_name": "x"}
    assert config["OPTIONS"] == database.POSTGRES_OPTIONS | asked


@pytest.mark.parametrize(("threshold", "prepared"), [(0, 1), (None, 0)])
def test_prepared_statements_can_be_disabled_behind_a_pooler(make: Make, threshold: int | None, prepared: int) -> None:
    one, text = make(prepare_threshold=threshold), "SELECT 'asked twice'"

    with one.prepared_cursor() as cursor:
        for _ in range(2):
            cursor.execute(text)
            assert cursor.fetchone() == ("asked twice",)
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [text])
        assert cursor.fetchone() == (prepared,)


def test_a_failing_prepared_statement_raises_a_django_error(make: Make) -> None:
    one = make()

    with one.prepared_cursor() as cursor, pytest.raises(ProgrammingError):
        cursor.execute("SELECT nothing FROM nowhere")

    with one.prepared_cursor() as cursor:
        cursor.execute("SELECT now()")
        assert cursor.fetchone()[0].tzinfo is not None


def test_a_statement_is_prepared_again_after_its_table_changed(make: Make) -> None:
    one, other = make(prepare_threshold=0), make()
    with other.cursor() as cursor:
        cursor.execute("CREATE TABLE changing (name varchar(3))")
    with one.prepared_cursor() as cursor:
        cursor.execute("SELECT name FROM changing")
    with other.cursor() as cursor:
        cursor.execute("ALTER TABLE changing ALTER name TYPE varchar(9)")

    with one.prepared_cursor() as cursor, pytest.raises(NotSupportedError, match="cached plan"):
        cursor.execute("SELECT name FROM changing")
    one.close_if_unusable_or_obsolete()

    with one.prepared_cursor() as cursor:
        cursor.execute("SELECT name FROM changing")
        assert cursor.fetchall() == []
        cursor.execute("DROP TABLE changing")
