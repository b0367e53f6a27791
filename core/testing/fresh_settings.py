"""Reloads the settings in this process with another environment; a new process would take seconds."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from unittest import mock

from core.environment import sources

PRODUCTION = {
    "DEBUG": "off",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "q8Zr1vJ0xW5tLk3nB7mYc2dF6hG4sPaEuTiOoRwV",
    "JWT_SECRET_KEY": "Zk2mX9cV4bN7qL1wE6rT3yU8iO5pA0sDfGhJkLzX",
    "ALLOWED_HOSTS": "auth.example.com",
    "DATABASE_URL": "postgres://vestibule:hunter2@db.internal:5432/vestibule",
    "REDIS_URL": "redis://:hunter2@redis.internal:6379/0",
    "EMAIL_URL": "smtp+tls://mailer:hunter2@mail.internal",
    "DEFAULT_FROM_EMAIL": "no-reply@example.org",
    "FRONTEND_URL": "https://app.example.com",
}
DEVELOPMENT = {"DEBUG": "on", "ENV_FILE": os.devnull}


def load(environment: Mapping[str, str | None]) -> ModuleType:
    """Return config.settings.base as loaded with exactly this environment; None removes a variable."""
    with _environment({name: value for name, value in environment.items() if value is not None}):
        return import_module("config.settings.base")


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    loaded = {name: module for name, module in sys.modules.items() if _is_settings(name)}
    former = dict(sources._former)
    try:
        with mock.patch.dict(os.environ, environment, clear=True):
            _forget(former={})
            yield
    finally:
        _forget(former=former)
        sys.modules.update(loaded)


def _forget(*, former: Mapping[str, str]) -> None:
    sources.load_file.cache_clear()
    sources._former.clear()
    sources._former.update(former)
    for name in [name for name in sys.modules if _is_settings(name)]:
        del sys.modules[name]


def _is_settings(name: str) -> bool:
    return name == "config.settings" or name.startswith("config.settings.")
