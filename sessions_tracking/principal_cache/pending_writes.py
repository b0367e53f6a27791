"""Invalidations that Redis missed. This process applies them at once; a thread writes them when Redis is available again."""

import logging
import threading
import time
from collections.abc import Iterable

import redis

from core.redis.client import background_client

logger = logging.getLogger(__name__)

_MAX_PENDING = 20_000
_RETRY_SECONDS = 0.1

_lock = threading.Lock()
_pending: dict[str, tuple[bytes, float]] = {}
_writer: threading.Thread | None = None


def is_pending(key: str) -> bool:
    """Return whether Redis may hold a wrong value for the key."""
    return key in _pending


def enqueue(keys: Iterable[str], *, marker: bytes, seconds: int) -> None:
    """Write `marker` to the keys in the background. Never blocks, never raises.

    Beyond _MAX_PENDING the oldest are dropped; their entries in Redis expire soon.
    """
    global _writer  # noqa: PLW0603 - one thread a process, started when there is something to write
    until = time.monotonic() + seconds
    with _lock:
        _pending.update(dict.fromkeys(keys, (marker, until)))
        for surplus in list(_pending)[: max(0, len(_pending) - _MAX_PENDING)]:
            del _pending[surplus]
        if _pending and (_writer is None or not _writer.is_alive()):
            _writer = threading.Thread(target=_write_all, daemon=True)
            _writer.start()


def _write_all() -> None:
    while _has_pending():
        batch = dict(_pending)
        try:
            _write(batch)
        except (redis.RedisError, OSError):
            time.sleep(_RETRY_SECONDS)
        else:
            _discard_written(batch)
            logger.warning("wrote %d session entries that redis had missed", len(batch))


def _has_pending() -> bool:
    """Drop what has outlived every cache entry and access token; return whether anything is left to write."""
    global _writer  # noqa: PLW0603
    now = time.monotonic()
    with _lock:
        for key in [key for key, (_marker, until) in _pending.items() if until <= now]:
            del _pending[key]
        if not _pending:
            _writer = None
        return bool(_pending)


def _write(batch: dict[str, tuple[bytes, float]]) -> None:
    """Use plain SET, so that a reader's delayed SET NX cannot undo it."""
    now = time.monotonic()
    with background_client() as client, client.pipeline(transaction=False) as pipeline:
        for key, (marker, until) in batch.items():
            pipeline.set(key, marker, ex=max(1, int(until - now)))
        pipeline.execute()


def _discard_written(batch: dict[str, tuple[bytes, float]]) -> None:
    with _lock:
        for key, entry in batch.items():
            if _pending.get(key) == entry:
                del _pending[key]
