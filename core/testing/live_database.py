"""A database that this process shares with the servers it starts: rows are committed, outside any test transaction."""

import copy
import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from django.db.utils import ConnectionHandler
from psycopg import sql
from pytest_django import DjangoDbBlocker

from core.paths import url_path


def current_url() -> str:
    """Return the URL of the database that this thread uses now."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{url_path(name)}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@contextmanager
def in_use(folder: Path, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Create and migrate a database of the tested kind, which this thread's models use inside the context."""
    with _new_database(folder) as name, blocker.unblock():
        config = copy.deepcopy(connections.settings["default"])
        config["NAME"] = name
        original = connections["default"]
        connections["default"] = ConnectionHandler({"default": config})["default"]
        try:
            with closing(connections["default"]):
                call_command("migrate", verbosity=0)
                yield
        finally:
            connections["default"] = original


@contextmanager
def _new_database(folder: Path) -> Iterator[str]:
    if connection.vendor == "sqlite":
        yield str(folder / "live.sqlite3")
        return
    name = f"live_{secrets.token_hex(6)}"
    with closing(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
