"""What is counted: hits within a window, and tries at a secret, each under a key that names nobody."""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings

from core.throttling.rates import Limit

# A try that was neither right nor wrong after so many milliseconds has died with its process.
JUDGED_WITHIN = 30_000


@dataclass(frozen=True, slots=True)
class Hit:
    """`cost` of the `limit.amount` that `key` has within any `limit.seconds`."""

    limit: Limit
    key: str
    cost: int = 1

    def members(self, token: str) -> list[str]:
        """The names under which the hit is counted, one for each unit of its cost."""
        return [token, *(f"{token}:{number}" for number in range(2, self.cost + 1))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """Wrong tries of `key`: `limit` at first, then one at a time, each after a wait that doubles. Times are in milliseconds."""

    limit: Limit
    key: str
    first_wait: int
    longest_wait: int

    @property
    def being_judged(self) -> str:
        """Where those tries stand that are neither right nor wrong yet."""
        return f"{self.key}:judged"

    @property
    def window(self) -> int:
        return self.limit.seconds * 1000


@dataclass(frozen=True, slots=True)
class Room:
    """How many more there may be after this one, -1 where this one may not be; and in how many milliseconds there is more."""

    left: int
    milliseconds: int


def key_of(limit: Limit, whom: str) -> str:
    """`whom` is hashed with the server's key: Redis holds no address, and nobody's name."""
    name = hmac.digest(settings.SECRET_KEY.encode(), f"vestibule.rate:{whom}".encode(), hashlib.sha256)
    return f"rate:{limit.name}:{name[:16].hex()}"
