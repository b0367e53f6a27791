"""Writes many rows at once, as fast as each database takes them, without what `save` and `bulk_create` do for each."""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models

_Cell = Callable[[Any], Any]


def insert(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Within the caller's transaction. Values are taken as they are: they must be those that the columns hold."""
    if not rows:
        return
    meta = model._meta  # noqa: SLF001 - public in all but its name
    fields = meta.concrete_fields
    names = [field.attname for field in fields]
    cells = [_cell(field) for field in fields]
    values = ([cell(getattr(row, name)) for cell, name in zip(cells, names, strict=True)] for row in rows)
    table, columns = _quoted(meta.db_table), ", ".join(_quoted(str(field.column)) for field in fields)
    if connection.vendor == "postgresql":
        _copy(f"COPY {table} ({columns}) FROM STDIN", values)
    else:
        places = ", ".join(["%s"] * len(fields))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(values))  # noqa: S608 - our own names


def analyze(*tables: type[models.Model]) -> None:
    """Tells the planner how many rows there are now, which it would otherwise learn some time later."""
    with connection.cursor() as cursor:
        for model in tables:
            cursor.execute(f"ANALYZE {_quoted(model._meta.db_table)}")  # noqa: SLF001 - as above


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _copy(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _cell(field: "models.Field[Any, Any]") -> _Cell:
    """How a value of Python's becomes one of the column's."""
    if isinstance(field, models.JSONField):
        return json.dumps
    if connection.vendor == "postgresql":
        return _as_it_is
    if isinstance(getattr(field, "target_field", field), models.UUIDField):
        return _hex
    return _naive if isinstance(field, models.DateTimeField) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _hex(value: uuid.UUID | None) -> str | None:
    return value.hex if value is not None else None


def _naive(value: datetime | None) -> str | None:
    return str(value.astimezone(UTC).replace(tzinfo=None)) if value is not None else None
