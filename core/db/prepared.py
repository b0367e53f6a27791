"""Statements of the ORM that are compiled once: docs/decisions/0004-compiled-statements.md.

The ORM takes longer to compile a small statement than the database takes to run it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Expression, F, Field, JSONField, QuerySet
from django.db.models.sql import UpdateQuery

from core.db.prepared_rows import RowType

R = TypeVar("R")


class Param(Expression):
    """A placeholder for a value that each call passes by name."""

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def value(self, values: Mapping[str, Any]) -> Any:
        value = values[self.name]
        return value if self._passes_through else self.output_field.get_db_prep_value(value, connection)

    @cached_property
    def _passes_through(self) -> bool:
        return passes_through(self.output_field)


def passes_through(field: "Field[Any, Any]") -> bool:
    """Return whether the driver takes Python's value as it is: psycopg does, except for JSON, where text is ambiguous."""
    return connection.vendor == "postgresql" and not isinstance(field, JSONField)


@dataclass(frozen=True, slots=True)
class Statement:
    """`converters` are those of the selected columns by index, which `compiler` applies."""

    sql: str
    params: Sequence[Any]
    compiler: Any
    converters: Mapping[int, Any]

    def run(self, values: Mapping[str, Any]) -> None:
        with prepared_cursor() as cursor:
            self._execute(cursor, values)

    def fetch(self, values: Mapping[str, Any]) -> list[Sequence[Any]]:
        with prepared_cursor() as cursor:
            self._execute(cursor, values)
            rows: list[Sequence[Any]] = cursor.fetchall()
        return list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows

    def _execute(self, cursor: Any, values: Mapping[str, Any]) -> None:
        cursor.execute(self.sql, [param.value(values) if isinstance(param, Param) else param for param in self.params])


class Prepared:
    """A query compiled once. Values that vary per call are `Param` placeholders."""

    def __init__(self, query: Callable[[], QuerySet[Any, Any]]) -> None:
        self._query = query

    @cached_property
    def _statement(self) -> Statement:
        return self._compile()

    def _compile(self) -> Statement:
        raise NotImplementedError


class PreparedRows(Prepared, Generic[R]):
    """A prepared statement that returns rows, each read by the row type that `returning` makes."""

    def __init__(self, query: Callable[[], QuerySet[Any, Any]], *, returning: Callable[[], RowType[R]]) -> None:
        super().__init__(query)
        self._returning = returning

    @cached_property
    def _row_type(self) -> RowType[R]:
        return self._returning()

    def fetch_all(self, **values: Any) -> list[R]:
        """Raises DatabaseError."""
        read = self._row_type.read
        return [read(row) for row in self._statement.fetch(values)]

    def fetch_first(self, **values: Any) -> R | None:
        """Raises DatabaseError."""
        rows = self._statement.fetch(values)
        return self._row_type.read(rows[0]) if rows else None


class PreparedSelect(PreparedRows[R]):
    """A SELECT of the columns of its row type."""

    def _compile(self) -> Statement:
        queryset = self._query().values_list(*self._row_type.columns)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        selected = [expression for expression, _sql, _alias in compiler.select]
        return Statement(sql, params, compiler, compiler.get_converters(selected))


class PreparedUpdate(PreparedRows[R]):
    """An UPDATE that returns each row that it changed, as it is afterwards: no second statement, and no race with one.

    The query must not join: PostgreSQL would read the joined table before it locks the row, and not again afterwards.
    An atomic block around a failed update accepts no other statement.
    """

    def __init__(
        self,
        query: Callable[[], QuerySet[Any, Any]],
        *,
        changes: Callable[[], Mapping[str, Any]],
        returning: Callable[[], RowType[R]],
    ) -> None:
        super().__init__(query, returning=returning)
        self._changes = changes

    def fetch_all(self, **values: Any) -> list[R]:
        with transaction.mark_for_rollback_on_error():
            return super().fetch_all(**values)

    def fetch_first(self, **values: Any) -> R | None:
        with transaction.mark_for_rollback_on_error():
            return super().fetch_first(**values)

    def _compile(self) -> Statement:
        query: Any = self._query().query.chain(UpdateQuery)
        query.add_update_values(self._changes())
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        columns = [F(column) if isinstance(column, str) else column for column in self._row_type.columns]
        expressions = [column.resolve_expression(query, allow_joins=False) for column in columns]
        compiled = [compiler.compile(expression) for expression in expressions]
        returning_sql = ", ".join(column_sql for column_sql, _params in compiled)
        returning_params = [param for _sql, column_params in compiled for param in column_params]
        return Statement(
            f"{sql} RETURNING {returning_sql}",
            [*params, *returning_params],
            compiler,
            compiler.get_converters(expressions),
        )


def prepared_cursor() -> Any:
    """Return the backend's cursor for prepared statements; SQLite caches parsed statements itself."""
    prepared = getattr(connection, "prepared_cursor", None)
    return prepared() if prepared else connection.cursor()
