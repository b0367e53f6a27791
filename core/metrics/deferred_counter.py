"""Counters of the hottest path, which take the lock of their series when the metrics are collected, not on each request."""

import functools
from collections import deque

from prometheus_client import Counter

# Bounds the memory of a process that never serves a request and so is never scraped, such as a worker.
_MAX_PENDING = 1_000_000
_all: "list[DeferredCounter]" = []


class DeferredCounter:
    """`increment()` appends to a deque, which needs no lock: the series' own would be a tenth of a cached request."""

    def __init__(self, series: Counter) -> None:
        self._series = series
        self._pending: deque[None] = deque(maxlen=_MAX_PENDING)
        self.increment = functools.partial(self._pending.append, None)
        _all.append(self)

    def flush(self) -> None:
        count = len(self._pending)
        for _ in range(count):
            self._pending.popleft()
        if count:
            self._series.inc(count)


def flush_all() -> None:
    for counter in _all:
        counter.flush()
