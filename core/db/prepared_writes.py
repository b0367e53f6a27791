"""New rows, and rows that go, by statements that are compiled once; see core.db.prepared."""

import functools
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field, Model
from django.db.models.sql import DeleteQuery, InsertQuery

from core.db.prepared import Prepared, Statement, is_as_is, prepared_cursor


def insert(row: Model) -> None:
    """As `row.save(force_insert=True)`, where nothing hangs on the signals of it. Raises DatabaseError."""
    with transaction.mark_for_rollback_on_error(), prepared_cursor() as cursor:
        cursor.execute(_statement(type(row)), _values(row))
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - public in all but its name


def _values(row: Model) -> list[Any]:
    database = connections[DEFAULT_DB_ALIAS]  # each look through the proxy `connection` would be one more
    found = [(field, field.pre_save(row, add=True), as_is) for field, as_is in _fields(type(row))]
    return [value if as_is else field.get_db_prep_save(value, database) for field, value, as_is in found]


@functools.cache
def _fields(model: type[Model]) -> "tuple[tuple[Field[Any, Any], bool], ...]":
    """Each with whether its value is for the driver as it is."""
    return tuple((field, is_as_is(field)) for field in model._meta.concrete_fields)  # noqa: SLF001 - likewise


@functools.cache
def _statement(model: type[Model]) -> str:
    """What the values are does not show in it."""
    query = InsertQuery(model)
    query.insert_values([field for field, _as_is in _fields(model)], [model()], raw=True)
    compiler = query.get_compiler(connection=connection)
    compiler.returning_fields = None
    [(sql, _params)] = compiler.as_sql()
    return str(sql)


class PreparedDelete(Prepared):
    """A DELETE of rows that no other row refers to."""

    def run(self, **values: Any) -> None:
        """Raises DatabaseError."""
        with transaction.mark_for_rollback_on_error():
            self._statement.run(values)

    def _compile(self) -> Statement:
        compiler = self._query().query.chain(DeleteQuery).get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        return Statement(sql, params, compiler, {})
