"""INSERT and DELETE statements that are compiled once; see core.db.prepared."""

import functools
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field, Model
from django.db.models.sql import DeleteQuery, InsertQuery

from core.db.prepared import Prepared, Statement, passes_through, prepared_cursor


def insert(row: Model) -> None:
    """Insert the row like `row.save(force_insert=True)`, but send no signals. Raises DatabaseError."""
    with transaction.mark_for_rollback_on_error(), prepared_cursor() as cursor:
        cursor.execute(_insert_sql(type(row)), _values(row))
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - documented API


def _values(row: Model) -> list[Any]:
    database = connections[DEFAULT_DB_ALIAS]  # not the proxy `connection`, which would be resolved for each value
    values = [(field, field.pre_save(row, add=True), passes) for field, passes in _fields(type(row))]
    return [value if passes else field.get_db_prep_save(value, database) for field, value, passes in values]


@functools.cache
def _fields(model: type[Model]) -> "tuple[tuple[Field[Any, Any], bool], ...]":
    """Return each field with whether its value passes through to the driver."""
    return tuple((field, passes_through(field)) for field in model._meta.concrete_fields)  # noqa: SLF001 - as above


@functools.cache
def _insert_sql(model: type[Model]) -> str:
    """The SQL does not depend on the values."""
    query = InsertQuery(model)
    query.insert_values([field for field, _passes in _fields(model)], [model()], raw=True)
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
