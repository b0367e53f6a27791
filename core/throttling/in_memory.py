"""The counters of one process, used while Redis is unavailable. The rules are those of the scripts."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from core.throttling.counters import IN_FLIGHT_TIMEOUT_MS, BackoffRule, Quota, WindowHit

_MAX_KEYS = 50_000
_BUSY_WAIT_MS = 1000

Timestamps = dict[str, float]  # by member, in milliseconds; the oldest first


class Memory:
    """`clock` is in seconds. Beyond `max_keys`, the oldest keys are dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_keys: int = _MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._counters: dict[str, Timestamps] = {}
        self._expiries: dict[str, float] = {}

    def admit(self, token: str, hits: Sequence[WindowHit], rule: BackoffRule | None) -> list[Quota]:
        with self._lock:
            now = self._now()
            quotas = [self._quota(hit, now) for hit in hits]
            if rule is not None and all(quota.remaining >= 0 for quota in quotas):
                quotas.append(self._attempt_quota(rule, now))
            if all(quota.remaining >= 0 for quota in quotas):
                for hit in hits:
                    for member in hit.members(token):
                        self._add(hit.key, member, now, ttl=hit.limit.seconds * 1000)
                if rule is not None:
                    self._add(rule.in_flight_key, token, now, ttl=IN_FLIGHT_TIMEOUT_MS)
            return quotas

    def fail(self, token: str, rule: BackoffRule) -> int:
        with self._lock:
            now = self._now()
            self._counters.get(rule.in_flight_key, {}).pop(token, None)
            failures = len(self._failures(rule, now)) + 1
            wait = _wait_after(failures, rule)
            self._add(rule.key, token, now, ttl=max(wait + rule.max_wait if wait else 0, rule.window))
            return int(wait)

    def reset(self, rule: BackoffRule) -> None:
        with self._lock:
            for key in (rule.key, rule.in_flight_key):
                self._drop(key)

    def withdraw(self, members: Mapping[str, Sequence[str]]) -> None:
        with self._lock:
            for key, names in members.items():
                for name in names:
                    self._counters.get(key, {}).pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._counters.clear()
            self._expiries.clear()

    def _now(self) -> float:
        return self._clock() * 1000

    def _quota(self, hit: WindowHit, now: float) -> Quota:
        window = hit.limit.seconds * 1000
        timestamps = list(self._since(hit.key, now, now - window).values())
        free = hit.limit.amount - len(timestamps)
        next_expiring = timestamps[min(max(0, hit.cost - 1 - free), len(timestamps) - 1)] if timestamps else now
        return Quota(max(free - hit.cost, -1), int(next_expiring + window - now))

    def _attempt_quota(self, rule: BackoffRule, now: float) -> Quota:
        failures = self._failures(rule, now)
        in_flight = self._since(rule.in_flight_key, now, now - IN_FLIGHT_TIMEOUT_MS)
        wait = max(failures.values(), default=now) + _wait_after(len(failures), rule) - now
        free = max(rule.limit.amount - len(failures), 1) - len(in_flight)
        if wait <= 0 and free < 1:
            wait = _BUSY_WAIT_MS
        return Quota(-1, int(wait)) if wait > 0 else Quota(free - 1, rule.window)

    def _failures(self, rule: BackoffRule, now: float) -> Timestamps:
        """Past the limit, failures older than the window count too, until the key expires."""
        failures = self._since(rule.key, now, 0)
        return failures if len(failures) >= rule.limit.amount else self._since(rule.key, now, now - rule.window)

    def _since(self, key: str, now: float, start: float) -> Timestamps:
        if self._expiries.get(key, now) <= now:
            self._drop(key)
        timestamps = self._counters.get(key, {})
        for token in [token for token, timestamp in timestamps.items() if timestamp <= start]:
            del timestamps[token]
        return timestamps

    def _add(self, key: str, token: str, now: float, *, ttl: float) -> None:
        if key not in self._counters and len(self._counters) >= self._max_keys:
            self._drop(next(iter(self._counters)))
        self._counters.setdefault(key, {})[token] = now
        self._expiries[key] = now + ttl

    def _drop(self, key: str) -> None:
        self._counters.pop(key, None)
        self._expiries.pop(key, None)


def _wait_after(failures: int, rule: BackoffRule) -> float:
    """Return 0 below the limit; at the limit the first wait, which doubles with each further failure up to `max_wait`."""
    beyond = failures - rule.limit.amount
    return 0 if beyond < 0 else min(rule.first_wait * 2.0 ** min(beyond, 64), rule.max_wait)


memory = Memory()
