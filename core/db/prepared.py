"""Statements of the ORM that are compiled once. To compile one takes the ORM longer than the database takes to answer it."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.models import Expression, Field, JSONField, Model, QuerySet
from django.db.models.sql import UpdateQuery

Row = Sequence[Any]


class Given(Expression):
    """A value that each run brings, by its name."""

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s", (self,)

    def value(self, values: Mapping[str, Any]) -> Any:
        value = values[self.name]
        return value if self._is_as_is else self.output_field.get_db_prep_value(value, connection)

    @cached_property
    def _is_as_is(self) -> bool:
        return is_as_is(self.output_field)


def is_as_is(field: "Field[Any, Any]") -> bool:
    """PostgreSQL's driver takes Python's own values, but for JSON, whose texts and lists might as well be something else."""
    return connection.vendor == "postgresql" and not isinstance(field, JSONField)


@dataclass(frozen=True, slots=True)
class Statement:
    """`converters` are those of its columns by their place, which `compiler` applies."""

    sql: str
    params: Sequence[Any]
    compiler: Any
    converters: Mapping[int, Any]

    def run(self, values: Mapping[str, Any]) -> None:
        with prepared_cursor() as cursor:
            self._execute(cursor, values)

    def rows(self, values: Mapping[str, Any]) -> list[Row]:
        with prepared_cursor() as cursor:
            self._execute(cursor, values)
            found: list[Row] = cursor.fetchall()
        return list(self.compiler.apply_converters(found, self.converters)) if self.converters else found

    def _execute(self, cursor: Any, values: Mapping[str, Any]) -> None:
        cursor.execute(self.sql, [one.value(values) if isinstance(one, Given) else one for one in self.params])


class Prepared:
    """What is the same in each run is in the query; what changes is a `Given` there."""

    def __init__(self, query: Callable[[], QuerySet[Any, Any]]) -> None:
        self._query = query

    @cached_property
    def _statement(self) -> Statement:
        return self._compile()

    def _compile(self) -> Statement:
        raise NotImplementedError


class PreparedSelect(Prepared):
    """A query of `values_list`."""

    def rows(self, **values: Any) -> list[Row]:
        """The rows as the ORM would have them. Raises DatabaseError."""
        return self._statement.rows(values)

    def _compile(self) -> Statement:
        compiler = self._query().query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        selected = [expression for expression, _sql, _alias in compiler.select]
        return Statement(sql, params, compiler, compiler.get_converters(selected))


class PreparedUpdate(Prepared):
    """An UPDATE that yields `returning` of each row that it changed, as the row is then: no second look, and no race with one.

    It has to look at its own table alone: another one joined would be read before the row is locked, and not again after.
    """

    def __init__(
        self,
        query: Callable[[], QuerySet[Any, Any]],
        *,
        changes: Callable[[], Mapping[str, Any]],
        returning: Callable[[], Sequence[Any]],
    ) -> None:
        super().__init__(query)
        self._changes, self._returning = changes, returning

    def rows(self, **values: Any) -> list[Row]:
        """As those of PreparedSelect. Raises DatabaseError; an atomic block around it then takes no other statement."""
        with transaction.mark_for_rollback_on_error():
            return self._statement.rows(values)

    def _compile(self) -> Statement:
        query: Any = self._query().query.chain(UpdateQuery)
        query.add_update_values(self._changes())
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        selected = [expression.resolve_expression(query, allow_joins=False) for expression in self._returning()]
        texts = [compiler.compile(expression) for expression in selected]
        told = ", ".join(text for text, _params in texts)
        more = [param for _text, params in texts for param in params]
        return Statement(f"{sql} RETURNING {told}", [*params, *more], compiler, compiler.get_converters(selected))


def in_order(model: type[Model], names: AbstractSet[str]) -> tuple[str, ...]:
    """The fields as `Model.from_db` wants them, which takes those that are missing for deferred."""
    columns = model._meta.concrete_fields  # noqa: SLF001 - public in all but its name
    return tuple(column.attname for column in columns if column.attname in names)


def prepared_cursor() -> Any:
    """SQLite remembers by itself which statements it has parsed."""
    prepared = getattr(connection, "prepared_cursor", None)
    return prepared() if prepared else connection.cursor()
