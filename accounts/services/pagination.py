"""One page of a list, and the number of all its rows."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """`count` rows in all, of which this is page `number`, counted from 1."""

    rows: list[Row]
    count: int
    number: int
    size: int
