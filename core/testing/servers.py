"""A pytest plugin: the real servers that the tests run on, started before Django reads its settings.

`TEST_DB=sqlite` (the default) or `postgresql` chooses the database; `TEST_DATABASE_URL` replaces the PostgreSQL started
here.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from core.dev import postgres_server, redis_server
from core.dev.processes import StartupError
from core.paths import url_path

_DATABASES = ("sqlite", "postgresql")
_ENVIRONMENT = {
    "DEBUG": "on",
    "ENV_FILE": os.devnull,  # the tests do not depend on what a developer keeps in .env
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "JWT_SECRET_KEY": "only-for-tests-jwt-0123456789-abcdefghijklmnopqrst",
}
_servers = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Runs around pytest-django's hook of this name, which loads the settings."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker inherits the addresses of the process that started it
        _start_servers()
    return (yield)


def pytest_unconfigure() -> None:
    _servers.close()


def pytest_report_header() -> str:
    return f"database: {os.environ['DATABASE_URL'].partition(':')[0]}"


def _start_servers() -> None:
    database = os.environ.get("TEST_DB") or "sqlite"
    if database not in _DATABASES:
        raise pytest.UsageError(f"TEST_DB must be one of {', '.join(_DATABASES)}; it is {database!r}")
    try:
        redis = redis_server.start_for_tests()
        _servers.callback(redis.stop)
        # SQLite's file lies in the folder of Redis, which goes even when this process is killed.
        address = f"sqlite:///{url_path(redis.folder / 'db.sqlite3')}" if database == "sqlite" else _postgres()
        os.environ |= _ENVIRONMENT | {"DATABASE_URL": address, "REDIS_URL": f"{redis.url}?db=0"}
    except StartupError as error:
        _servers.close()
        raise pytest.UsageError(str(error)) from None
    os.environ.pop("CELERY_BROKER_URL", None)


def _postgres() -> str:
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    server = postgres_server.start_for_tests()
    _servers.callback(server.stop)
    return server.url
