"""A random generator that repeats itself: all generated data depends only on its seed."""

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_RANDOM_BITS = ~((15 << 76) | (3 << 62)) & ((1 << 80) - 1)


class SeededRandom:
    """Not for secrets: the seed reveals every value."""

    def __init__(self, seed: str) -> None:
        generator = random.Random(seed)  # noqa: S311 - the values must be reproducible
        self._random, self._bits = generator.random, generator.getrandbits

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def integer(self, stop: int) -> int:
        return int(self._random() * stop)

    def choice(self, items: Sequence[T]) -> T:
        return items[int(self._random() * len(items))]

    def between(self, start: datetime, end: datetime) -> datetime:
        return start + (end - start) * self._random()

    def duration(self, maximum: timedelta) -> timedelta:
        return maximum * self._random()

    def uuid7(self, timestamp: datetime) -> uuid.UUID:
        """Return an id as `core.ids.new_id` would have generated it at that time."""
        milliseconds = int(timestamp.timestamp() * 1000)
        return uuid.UUID(int=(milliseconds << 80) | (self._bits(80) & _RANDOM_BITS) | _VERSION_AND_VARIANT)
