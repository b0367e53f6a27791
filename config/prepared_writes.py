"""New rows, and rows that go, by statements that are compiled once; see config.prepared."""

import functools
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field, Model
from django.db.models.sql import DeleteQuery, InsertQuery

from config.prepared import Prepared, Statement, prepared_cursor


def insert(row: Model) -> None:
    """As `row.save(force_insert=True)`, where nothing hangs on the signals of it. Raises DatabaseError."""
    database = connections[DEFAULT_DB_ALIAS]  # each look through the proxy `connection` would be one more
    values = [field.get_db_prep_save(field.pre_save(row, add=True), database) for field in _fields(type(row))]
    with transaction.mark_for_rollback_on_error(), prepared_cursor() as cursor:
        cursor.execute(_statement(type(row)), values)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - public in all but its name


@functools.cache
def _fields(model: type[Model]) -> "tuple[Field[Any, Any], ...]":
    return tuple(model._meta.concrete_fields)  # noqa: SLF001 - likewise


@functools.cache
def _statement(model: type[Model]) -> str:
    """What the values are does not show in it."""
    query = InsertQuery(model)
    query.insert_values(_fields(model), [model()], raw=True)
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
