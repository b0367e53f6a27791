"""What the limiter counts: hits within a sliding window, and attempts with a growing wait. Keys hold no personal data."""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings

from core.throttling.rates import Limit

# An attempt that neither succeeded nor failed after this many milliseconds died with its process.
IN_FLIGHT_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class WindowHit:
    """`cost` of the `limit.amount` that `key` has within any `limit.seconds`."""

    limit: Limit
    key: str
    cost: int = 1

    def members(self, token: str) -> list[str]:
        """Return the members that the hit adds to its counter, one per unit of its cost."""
        return [token, *(f"{token}:{number}" for number in range(2, self.cost + 1))]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffRule:
    """Allow `limit` failures of `key`, then one attempt at a time, each after a wait that doubles. Waits in milliseconds."""

    limit: Limit
    key: str
    first_wait: int
    max_wait: int

    @property
    def in_flight_key(self) -> str:
        """The counter of attempts that have neither succeeded nor failed yet."""
        return f"{self.key}:in-flight"

    @property
    def window(self) -> int:
        return self.limit.seconds * 1000


@dataclass(frozen=True, slots=True)
class Quota:
    """How many hits remain after this one, -1 if it exceeds the limit; and in how many milliseconds more are allowed."""

    remaining: int
    reset_ms: int


def counter_key(limit: Limit, subject: str) -> str:
    """Hash the subject with the server's key: Redis holds no IP and no username."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"vestibule.rate:{subject}".encode(), hashlib.sha256)
    return f"rate:{limit.name}:{digest[:16].hex()}"
