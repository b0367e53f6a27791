"""What a prepared statement returns for each row: a model instance, a dataclass, or a dataclass of such parts.

Each names its columns, so that no caller reads a row by position.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

M = TypeVar("M", bound=Model)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class RowType(Protocol[R_co]):
    @property
    def columns(self) -> Sequence[Any]:
        """The lookups, or expressions, that the statement selects."""

    def read(self, values: Sequence[Any]) -> R_co: ...


class Instances(Generic[M]):
    """Model instances. Fields outside `names` are deferred; without `names`, all fields are read.

    `lookup` turns the name of a field into what the statement selects for it.
    """

    def __init__(
        self, model: type[M], names: Iterable[str] | None = None, *, lookup: Callable[[str], Any] = str
    ) -> None:
        self._model = model
        self._names = columns_in_model_order(model, names)
        self.columns = tuple(map(lookup, self._names))

    def read(self, values: Sequence[Any]) -> M:
        return self._model.from_db(DEFAULT_DB_ALIAS, self._names, values)


class Fields(Generic[R]):
    """Instances of a dataclass, whose fields are called as the columns."""

    def __init__(self, row: type[R]) -> None:
        self._row = row
        self.columns = tuple(row.__dataclass_fields__)  # type: ignore[attr-defined]  # a dataclass

    def read(self, values: Sequence[Any]) -> R:
        return self._row(*values)


class Value:
    """The value of one expression."""

    def __init__(self, expression: Any) -> None:
        self.columns = (expression,)

    def read(self, values: Sequence[Any]) -> Any:
        return values[0]


class Joined(Generic[R]):
    """Instances of a dataclass, each of whose fields is read by its own row type."""

    def __init__(self, row: Callable[..., R], **parts: RowType[Any]) -> None:
        self._row = row
        self.columns = tuple(column for part in parts.values() for column in part.columns)
        self._parts: list[tuple[str, RowType[Any], slice]] = []
        start = 0
        for name, part in parts.items():
            self._parts.append((name, part, slice(start, start + len(part.columns))))
            start += len(part.columns)

    def read(self, values: Sequence[Any]) -> R:
        return self._row(**{name: part.read(values[place]) for name, part, place in self._parts})


def columns_in_model_order(model: type[Model], names: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the names in the order that `Model.from_db` requires; it takes missing fields as deferred."""
    wanted = None if names is None else frozenset(names)
    fields = model._meta.concrete_fields  # noqa: SLF001 - documented API
    return tuple(field.attname for field in fields if wanted is None or field.attname in wanted)
