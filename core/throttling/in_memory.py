"""The counters of one process, for as long as Redis is away: by the same rules as the scripts."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from core.throttling.counters import JUDGED_WITHIN, Hit, Room, Tries

_MOST_KEYS = 50_000
_BUSY = 1000

Moments = dict[str, float]  # when each was, in milliseconds; the oldest first


class Memory:
    """`clock` is in seconds. A crowd of more than `most_keys` pushes out those who came first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_keys: int = _MOST_KEYS) -> None:
        self._clock = clock
        self._most_keys = most_keys
        self._lock = threading.Lock()
        self._moments: dict[str, Moments] = {}
        self._ends: dict[str, float] = {}

    def admit(self, token: str, hits: Sequence[Hit], tries: Tries | None) -> list[Room]:
        with self._lock:
            now = self._now()
            rooms = [self._room(hit, now) for hit in hits]
            if tries is not None and all(room.left >= 0 for room in rooms):
                rooms.append(self._room_for_try(tries, now))
            if all(room.left >= 0 for room in rooms):
                for hit in hits:
                    for member in hit.members(token):
                        self._add(hit.key, member, now, life=hit.limit.seconds * 1000)
                if tries is not None:
                    self._add(tries.being_judged, token, now, life=JUDGED_WITHIN)
            return rooms

    def fail(self, token: str, tries: Tries) -> int:
        with self._lock:
            now = self._now()
            self._moments.get(tries.being_judged, {}).pop(token, None)
            failures = len(self._failures(tries, now)) + 1
            wait = _wait_after(failures, tries)
            self._add(tries.key, token, now, life=max(wait + tries.longest_wait if wait else 0, tries.window))
            return int(wait)

    def forget(self, tries: Tries) -> None:
        with self._lock:
            for key in (tries.key, tries.being_judged):
                self._drop(key)

    def withdraw(self, members: Mapping[str, Sequence[str]]) -> None:
        with self._lock:
            for key, names in members.items():
                for name in names:
                    self._moments.get(key, {}).pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._moments.clear()
            self._ends.clear()

    def _now(self) -> float:
        return self._clock() * 1000

    def _room(self, hit: Hit, now: float) -> Room:
        length = hit.limit.seconds * 1000
        moments = list(self._since(hit.key, now, now - length).values())
        free = hit.limit.amount - len(moments)
        next_to_go = moments[min(max(0, hit.cost - 1 - free), len(moments) - 1)] if moments else now
        return Room(max(free - hit.cost, -1), int(next_to_go + length - now))

    def _room_for_try(self, tries: Tries, now: float) -> Room:
        failures = self._failures(tries, now)
        judged = self._since(tries.being_judged, now, now - JUDGED_WITHIN)
        wait = max(failures.values(), default=now) + _wait_after(len(failures), tries) - now
        free = max(tries.limit.amount - len(failures), 1) - len(judged)
        if wait <= 0 and free < 1:
            wait = _BUSY
        return Room(-1, int(wait)) if wait > 0 else Room(free - 1, tries.window)

    def _failures(self, tries: Tries, now: float) -> Moments:
        """Past the bound all are remembered, until the key ends."""
        found = self._since(tries.key, now, 0)
        return found if len(found) >= tries.limit.amount else self._since(tries.key, now, now - tries.window)

    def _since(self, key: str, now: float, start: float) -> Moments:
        if self._ends.get(key, now) <= now:
            self._drop(key)
        moments = self._moments.get(key, {})
        for token in [token for token, moment in moments.items() if moment <= start]:
            del moments[token]
        return moments

    def _add(self, key: str, token: str, now: float, *, life: float) -> None:
        if key not in self._moments and len(self._moments) >= self._most_keys:
            self._drop(next(iter(self._moments)))
        self._moments.setdefault(key, {})[token] = now
        self._ends[key] = now + life

    def _drop(self, key: str) -> None:
        self._moments.pop(key, None)
        self._ends.pop(key, None)


def _wait_after(failures: int, tries: Tries) -> float:
    """None before the limit; then the first wait, twice that, and so on up to the longest."""
    beyond = failures - tries.limit.amount
    return 0 if beyond < 0 else min(tries.first_wait * 2.0 ** min(beyond, 64), tries.longest_wait)


memory = Memory()
