"""A database that this process shares with servers it starts: committed rows, no test transaction around them."""

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
    """The address of the database that this thread uses now."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{url_path(name)}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@contextmanager
def in_use(folder: Path, blocker: DjangoDbBlocker) -> Iterator[None]:
    """A new, migrated database of the kind that this run tests; within, this thread's models read and write it."""
    with _new_database(folder) as name, blocker.unblock():
        config = copy.deepcopy(connections.settings["default"])
        config["NAME"] = name
        usual = connections["default"]
        connections["default"] = ConnectionHandler({"default": config})["default"]
        try:
            with closing(connections["default"]):
                call_command("migrate", verbosity=0)
                yield
        finally:
            connections["default"] = usual


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
