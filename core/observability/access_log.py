"""Notes each request that was answered, on next to none of its time: a thread counts it and writes its line a moment later.

To count and write at once costs several times as much, most of it other threads' waiting: it would be a tenth of a
forward-auth. What is lost is the last quarter of a second of a process that is killed.
"""

import atexit
import logging
import os
import threading
from collections import deque
from contextlib import suppress

from django.conf import settings

from core.observability import access_log_format, metrics
from core.observability.access_log_format import Answered

UNLOGGED = frozenset({"/healthz", "/readyz", "/metrics"})
_STDOUT = 1
_MOST_WAITING = 100_000  # should nobody read our output any more; the oldest give way
_MOST_AT_ONCE = 200

_logger = logging.getLogger(access_log_format.LOGGER)
_waiting: deque[Answered] = deque(maxlen=_MOST_WAITING)
_lock = threading.Lock()
_writing = threading.Lock()
_is_scheduled = False


def note(answered: Answered) -> None:
    """Never waits and never fails."""
    _waiting.append(answered)
    if settings.ACCESS_WRITE_SECONDS is None:
        flush()
    elif not _is_scheduled:
        _schedule(settings.ACCESS_WRITE_SECONDS)


def _schedule(seconds: float) -> None:
    global _is_scheduled  # noqa: PLW0603 - one timer a process, and this is where it is kept
    with _lock:
        if _is_scheduled:
            return
        _is_scheduled = True
        timer = threading.Timer(seconds, _run)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # no more threads, or the process is about to end; the next one tries again
            _is_scheduled = False


def _run() -> None:
    """Whatever is noted after the mark is taken away has a timer of its own."""
    global _is_scheduled  # noqa: PLW0603 - as above
    _is_scheduled = False
    flush()


def flush() -> None:
    """Counts and writes what waits: before a scrape, and at the end of the process."""
    with _writing:
        metrics.write_cache_hits()
        while batch := _taken():
            metrics.count_requests((one.route, one.method, one.status, one.seconds) for one in batch)
            _write([one for one in batch if one.route not in UNLOGGED])


def _taken() -> list[Answered]:
    batch: list[Answered] = []
    with suppress(IndexError):
        while len(batch) < _MOST_AT_ONCE:
            batch.append(_waiting.popleft())
    return batch


def _write(batch: list[Answered]) -> None:
    if not batch or not _logger.isEnabledFor(logging.INFO):
        return
    write = access_log_format.as_json if settings.LOG_FORMAT == "json" else access_log_format.as_text
    left = "".join(map(write, batch)).encode()
    with suppress(OSError):  # nobody reads our output any more; the answers stand
        while left:
            left = left[os.write(_STDOUT, left) :]


atexit.register(flush)
