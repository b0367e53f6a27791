"""Chance that repeats itself: everything made up comes from one generator, and so from the seed alone."""

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_FREE = ~((15 << 76) | (3 << 62)) & ((1 << 80) - 1)


class Chance:
    """Not for secrets: whoever knows the seed knows it all."""

    def __init__(self, seed: str) -> None:
        generator = random.Random(seed)  # noqa: S311 - it must repeat itself
        self._random, self._bits = generator.random, generator.getrandbits

    def is_so(self, share: float) -> bool:
        return self._random() < share

    def number(self, below: int) -> int:
        return int(self._random() * below)

    def one_of(self, these: Sequence[T]) -> T:
        return these[int(self._random() * len(these))]

    def between(self, start: datetime, end: datetime) -> datetime:
        return start + (end - start) * self._random()

    def length(self, longest: timedelta) -> timedelta:
        return longest * self._random()

    def id_of(self, moment: datetime) -> uuid.UUID:
        """As `core.ids.new_id` would have made it then."""
        milliseconds = int(moment.timestamp() * 1000)
        return uuid.UUID(int=(milliseconds << 80) | (self._bits(80) & _FREE) | _VERSION_AND_VARIANT)
