"""Counts the SQL statements and Redis round trips of a call, on real connections."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_redis import get_redis_connection
from redis.connection import AbstractConnection

_COMMAND = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n")
# A subquery in the list of columns names its own table before that of the statement.
_EXISTS = re.compile(r'EXISTS\(SELECT .*?\) AS "\w+"')
_FRAME = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE")


@dataclass
class Work:
    """`sql`: `SELECT table` etc. in order. `frames`: BEGIN, COMMIT etc. `redis`: the commands of each round trip."""

    sql: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    redis: list[list[str]] = field(default_factory=list)


Measure = Callable[[Callable[[], Any]], Work]


def make_query_counter(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Return a function that runs a call and returns its SQL statements and Redis commands."""

    def run(call: Callable[[], Any]) -> Work:
        get_redis_connection("default").ping()  # so that the handshake of a new connection is not counted
        with _recorded_commands(monkeypatch) as trips, CaptureQueriesContext(connection) as queries:
            call()
        texts = [query["sql"] for query in queries.captured_queries]
        return Work(
            sql=[_shorten(text) for text in texts if not _FRAME.match(text)],
            frames=[match[0] for text in texts if (match := _FRAME.match(text))],
            redis=trips,
        )

    return run


@contextmanager
def _recorded_commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    trips: list[list[str]] = []
    send: Callable[..., None] = AbstractConnection.send_packed_command

    def record(self: AbstractConnection, command: Any, *args: Any, **kwargs: Any) -> None:
        packed = command if isinstance(command, bytes) else b"".join(command)
        trips.append([name.decode().upper() for name in _COMMAND.findall(packed)])
        send(self, command, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", record)
        yield trips


def _shorten(statement: str) -> str:
    verb = statement.split(" ", 1)[0]
    table = re.search(r'(?:FROM|INTO|UPDATE) "(\w+)"', _EXISTS.sub("", statement))
    assert table, statement
    return f"{verb} {table[1]}"
