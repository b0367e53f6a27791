"""Both places where is counted, and a clock for each: what is true of one must be true of the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from django_redis import get_redis_connection

from core.throttling import in_redis
from core.throttling.counters import Hit, Room, Tries
from core.throttling.in_memory import Memory


class Store(Protocol):
    def admit(self, token: str, hits: Sequence[Hit], tries: Tries | None) -> list[Room]: ...
    def fail(self, token: str, tries: Tries) -> int: ...
    def forget(self, tries: Tries) -> None: ...


@dataclass
class Counters:
    store: Store
    wait: Callable[[float], None]
    count: int = 0

    def hit(self, *hits: Hit) -> list[Room]:
        self.count += 1
        return self.store.admit(f"hit-{self.count}", hits, None)

    def begin(self, tries: Tries, *hits: Hit) -> tuple[str, Room]:
        """The try's name, and the room that the last question found."""
        self.count += 1
        token = f"try-{self.count}"
        return token, self.store.admit(token, hits, tries)[-1]

    def fail(self, tries: Tries) -> int:
        """A wrong try, which there was room for; the seconds to wait after it."""
        token, room = self.begin(tries)
        assert room.left >= 0, room
        return self.store.fail(token, tries) // 1000

    def seconds_to_wait(self, tries: Tries) -> int:
        """0 where a try may begin now; it begins, and is right."""
        _token, room = self.begin(tries)
        if room.left < 0:
            return -(-room.milliseconds // 1000)
        self.store.forget(tries)
        return 0


def _make_older(seconds: float) -> None:
    """As if so long had passed in Redis: its clock is its own."""
    client: Any = get_redis_connection("default")
    for key in client.keys("rate:*"):
        life = client.pttl(key) - round(seconds * 1000)
        for member, moment in client.zrange(key, 0, -1, withscores=True):
            client.zadd(key, {member: moment - seconds * 1000})
        client.pexpire(key, life) if life > 0 else client.delete(key)


@pytest.fixture(params=["redis", "memory"])
def counters(request: pytest.FixtureRequest) -> Iterator[Counters]:
    if request.param == "redis":
        yield Counters(in_redis, _make_older)
        return
    clock = [1000.0]

    def wait(seconds: float) -> None:
        clock[0] += seconds

    yield Counters(Memory(lambda: clock[0]), wait)
