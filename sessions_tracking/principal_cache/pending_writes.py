"""What Redis could not be told of sessions: known to this process, and told by a thread as soon as Redis listens again."""

import logging
import threading
import time
from collections.abc import Iterable

import redis

from core.redis.client import background_client

logger = logging.getLogger(__name__)

_MOST_REMEMBERED = 20_000
_PAUSE_SECONDS = 0.1

_lock = threading.Lock()
_marks: dict[str, tuple[bytes, float]] = {}
_writer: threading.Thread | None = None


def is_pending(key: str) -> bool:
    """Whether Redis may say something wrong under the key."""
    return key in _marks


def enqueue(keys: Iterable[str], *, mark: bytes, seconds: int) -> None:
    """Never waits, never fails. Past the bound the oldest are left to the short life of the entries in Redis."""
    global _writer  # noqa: PLW0603 - one thread a process, started when there is something to write
    until = time.monotonic() + seconds
    with _lock:
        _marks.update(dict.fromkeys(keys, (mark, until)))
        for surplus in list(_marks)[: max(0, len(_marks) - _MOST_REMEMBERED)]:
            del _marks[surplus]
        if _marks and (_writer is None or not _writer.is_alive()):
            _writer = threading.Thread(target=_write_all, daemon=True)
            _writer.start()


def _write_all() -> None:
    while _is_needed():
        waiting = dict(_marks)
        try:
            _write(waiting)
        except (redis.RedisError, OSError):
            time.sleep(_PAUSE_SECONDS)
        else:
            _discard_written(waiting)
            logger.warning("told redis of %d sessions that it had missed", len(waiting))


def _is_needed() -> bool:
    """Drops what has outlived every entry and every access token it could matter to."""
    global _writer  # noqa: PLW0603
    now = time.monotonic()
    with _lock:
        for key in [key for key, (_mark, until) in _marks.items() if until <= now]:
            del _marks[key]
        if not _marks:
            _writer = None
        return bool(_marks)


def _write(waiting: dict[str, tuple[bytes, float]]) -> None:
    """Plain SETs, so that no reader's NX that is still on its way can undo them."""
    now = time.monotonic()
    with background_client() as client, client.pipeline(transaction=False) as pipeline:
        for key, (mark, until) in waiting.items():
            pipeline.set(key, mark, ex=max(1, int(until - now)))
        pipeline.execute()


def _discard_written(written: dict[str, tuple[bytes, float]]) -> None:
    with _lock:
        for key, entry in written.items():
            if _marks.get(key) == entry:
                del _marks[key]
