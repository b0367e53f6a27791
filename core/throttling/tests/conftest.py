"""Both stores of counters, each with a clock, so that the same tests run on both."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from django_redis import get_redis_connection

from core.throttling import in_redis
from core.throttling.counters import BackoffRule, Quota, WindowHit
from core.throttling.in_memory import Memory


class Store(Protocol):
    def admit(self, token: str, hits: Sequence[WindowHit], rule: BackoffRule | None) -> list[Quota]: ...
    def fail(self, token: str, rule: BackoffRule) -> int: ...
    def reset(self, rule: BackoffRule) -> None: ...


@dataclass
class Counters:
    store: Store
    wait: Callable[[float], None]
    count: int = 0

    def hit(self, *hits: WindowHit) -> list[Quota]:
        self.count += 1
        return self.store.admit(f"hit-{self.count}", hits, None)

    def begin(self, rule: BackoffRule, *hits: WindowHit) -> tuple[str, Quota]:
        """Start an attempt; return its token and the last quota."""
        self.count += 1
        token = f"attempt-{self.count}"
        return token, self.store.admit(token, hits, rule)[-1]

    def fail(self, rule: BackoffRule) -> int:
        """Record a failed attempt within the quota; return the seconds to wait after it."""
        token, quota = self.begin(rule)
        assert quota.remaining >= 0, quota
        return self.store.fail(token, rule) // 1000

    def seconds_to_wait(self, rule: BackoffRule) -> int:
        """Return 0 and record a successful attempt if one may start now, else the seconds to wait."""
        _token, quota = self.begin(rule)
        if quota.remaining < 0:
            return -(-quota.reset_ms // 1000)
        self.store.reset(rule)
        return 0


def _age_counters(seconds: float) -> None:
    """Shift the stored times into the past, because Redis uses its own clock."""
    client: Any = get_redis_connection("default")
    for key in client.keys("rate:*"):
        life = client.pttl(key) - round(seconds * 1000)
        for member, timestamp in client.zrange(key, 0, -1, withscores=True):
            client.zadd(key, {member: timestamp - seconds * 1000})
        client.pexpire(key, life) if life > 0 else client.delete(key)


@pytest.fixture(params=["redis", "memory"])
def counters(request: pytest.FixtureRequest) -> Iterator[Counters]:
    if request.param == "redis":
        yield Counters(in_redis, _age_counters)
        return
    clock = [1000.0]

    def wait(seconds: float) -> None:
        clock[0] += seconds

    yield Counters(Memory(lambda: clock[0]), wait)
