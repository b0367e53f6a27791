"""Decides whether a cached principal may be trusted.

After an outage, or with a Redis that was restarted, an entry may miss a revocation that could not be written, or come from
an older snapshot. Such entries expire after `lifetime`. Until then, each process revalidates each session once against
the database and replaces its entry.
"""

import threading
import time
import uuid

from core.redis.connect import cache_generation

_MAX_REVALIDATED = 100_000


class StaleCacheGuard:
    """A generation of the cache begins with each outage or restart of Redis (`core.redis.connect`)."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._generation = cache_generation.number
        self._until = 0.0
        self._revalidated: set[uuid.UUID] = set()

    def generation(self) -> int:
        """Return the current generation. Call before the read from Redis, and pass the value to `mark_revalidated`."""
        if cache_generation.number != self._generation:
            self._start_generation()
        return self._generation

    def must_revalidate(self, session_id: uuid.UUID) -> bool:
        """Call after the read from Redis: its connection may have been the first one of a new generation."""
        self.generation()
        if time.monotonic() < self._until:
            return session_id not in self._revalidated
        if self._revalidated:
            self._revalidated = set()  # frees megabytes
        return False

    def mark_revalidated(self, session_id: uuid.UUID, *, generation: int) -> None:
        """Trust the session's entry from now on, if no newer generation began since `generation` was read."""
        if time.monotonic() >= self._until:
            return
        with self._lock:
            is_current = generation == self._generation == cache_generation.number
            if is_current and len(self._revalidated) < _MAX_REVALIDATED:
                self._revalidated.add(session_id)

    def _start_generation(self) -> None:
        with self._lock:
            self._generation = cache_generation.number
            self._until = time.monotonic() + self._lifetime
            self._revalidated = set()
