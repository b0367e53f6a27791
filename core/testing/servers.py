"""A pytest plugin that starts the real servers of the tests before Django reads its settings.

`TEST_DB=sqlite` (the default) or `postgresql` chooses the database; `TEST_DATABASE_URL` replaces the started PostgreSQL.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from core.dev import postgres_server, redis_server
from core.paths import url_path
from core.web_server.bind_address import StartupError

_DATABASES = ("sqlite", "postgresql")
_ENVIRONMENT = {
    "DEBUG": "on",
    "ENV_FILE": os.devnull,  # so that the tests do not depend on a developer's .env
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "JWT_SECRET_KEY": "only-for-tests-jwt-0123456789-abcdefghijklmnopqrst",
}
_servers = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Start the servers before pytest-django's hook of this name loads the settings."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker inherits the URLs of its parent
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
        # The folder of Redis, with SQLite's file, is deleted even when this process is killed.
        url = f"sqlite:///{url_path(redis.folder / 'db.sqlite3')}" if database == "sqlite" else _postgres()
        os.environ |= _ENVIRONMENT | {"DATABASE_URL": url, "REDIS_URL": f"{redis.url}?db=0"}
    except StartupError as error:
        _servers.close()
        raise pytest.UsageError(str(error)) from None
    os.environ.pop("CELERY_BROKER_URL", None)


def _postgres() -> str:
    url = os.environ.get("TEST_DATABASE_URL")
    if url:
        return url
    server = postgres_server.start_for_tests()
    _servers.callback(server.stop)
    return server.url
