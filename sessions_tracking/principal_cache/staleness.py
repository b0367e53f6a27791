"""Which entries of Redis to believe: after an outage, or from a Redis that is new to us, only what we know to be of today.

An entry from before may miss a revocation that could not be written, or come from an older snapshot. It lapses by itself
after `lifetime`; until then each session's first reader in this process asks the database and replaces the entry.
"""

import threading
import time
import uuid

from core.redis.connect import cache_generation

_MOST_REMEMBERED = 100_000


class StaleCacheGuard:
    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._epoch = cache_generation.number
        self._until = 0.0
        self._settled: set[uuid.UUID] = set()

    def generation(self) -> int:
        """Ask before Redis is asked, and give the answer to `mark_revalidated`."""
        if cache_generation.number != self._epoch:
            self._start_generation()
        return self._epoch

    def must_revalidate(self, session_id: uuid.UUID) -> bool:
        """Ask after Redis answered: its answer may have come over a connection that is the first of a new epoch."""
        self.generation()
        if time.monotonic() < self._until:
            return session_id not in self._settled
        if self._settled:
            self._settled = set()  # megabytes, that nobody asks for any more
        return False

    def mark_revalidated(self, session_id: uuid.UUID, *, epoch: int) -> None:
        """Redis holds nothing about the session that is older than our question to the database, if that was this epoch's."""
        if time.monotonic() >= self._until:
            return
        with self._lock:
            if epoch == self._epoch == cache_generation.number and len(self._settled) < _MOST_REMEMBERED:
                self._settled.add(session_id)

    def _start_generation(self) -> None:
        with self._lock:
            self._epoch = cache_generation.number
            self._until = time.monotonic() + self._lifetime
            self._settled = set()
