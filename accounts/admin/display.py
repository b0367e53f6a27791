"""A column of a list: what stands above it, what orders it, and which words are coloured labels."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.utils.functional import Promise

F = TypeVar("F", bound=Callable[..., Any])


def column(
    *, description: str | Promise, ordering: str | None = None, label: Mapping[str, str] | None = None
) -> Callable[[F], F]:
    """What `unfold.decorators.display` does, with types. With `label` the column's value is a key of it and the words."""

    def mark(function: F) -> F:
        marks: dict[str, Any] = {"short_description": description, "admin_order_field": ordering, "label": label}
        for name, value in marks.items():
            if value is not None:
                setattr(function, name, value)
        return function

    return mark
