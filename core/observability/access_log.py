"""Logs and counts each response in a background thread, a quarter of a second later at most.

Counting and writing within the request costs several times as much, most of it waits for other threads: a tenth of a
forward-auth request. A process that is killed loses the records of its last quarter of a second.
"""

import atexit
import logging
import os
import threading
from collections import deque
from contextlib import suppress

from django.conf import settings

from core.metrics import deferred_counter
from core.observability import access_log_format
from core.observability.access_log_format import AccessRecord
from core.observability.http_metrics import count_requests

UNLOGGED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_STDOUT = 1
_MAX_PENDING = 100_000  # if the reader of standard output stops; the oldest records are dropped
_BATCH_SIZE = 200

_logger = logging.getLogger(access_log_format.LOGGER)
_pending: deque[AccessRecord] = deque(maxlen=_MAX_PENDING)
_timer_lock = threading.Lock()
_flush_lock = threading.Lock()
_is_scheduled = False


def record(entry: AccessRecord) -> None:
    """Queue the record. Never blocks and never fails."""
    _pending.append(entry)
    if settings.ACCESS_WRITE_SECONDS is None:
        flush()
    elif not _is_scheduled:
        _schedule(settings.ACCESS_WRITE_SECONDS)


def _schedule(seconds: float) -> None:
    global _is_scheduled  # noqa: PLW0603 - one timer per process
    with _timer_lock:
        if _is_scheduled:
            return
        _is_scheduled = True
        timer = threading.Timer(seconds, _run)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # no more threads, or the process is about to end; the next record tries again
            _is_scheduled = False


def _run() -> None:
    """A record that is queued after the flag is reset schedules its own timer."""
    global _is_scheduled  # noqa: PLW0603 - as above
    _is_scheduled = False
    flush()


def flush() -> None:
    """Count and write the queued records: also before a scrape, and at the end of the process."""
    with _flush_lock:
        deferred_counter.flush_all()
        while batch := _next_batch():
            count_requests((entry.route, entry.method, entry.status, entry.seconds) for entry in batch)
            _write([entry for entry in batch if entry.route not in UNLOGGED_PATHS])


def _next_batch() -> list[AccessRecord]:
    batch: list[AccessRecord] = []
    with suppress(IndexError):
        while len(batch) < _BATCH_SIZE:
            batch.append(_pending.popleft())
    return batch


def _write(batch: list[AccessRecord]) -> None:
    if not batch or not _logger.isEnabledFor(logging.INFO):
        return
    as_line = access_log_format.as_json if settings.LOG_FORMAT == "json" else access_log_format.as_text
    unwritten = "".join(map(as_line, batch)).encode()
    with suppress(OSError):  # the reader of standard output is gone; the responses have been sent all the same
        while unwritten:
            unwritten = unwritten[os.write(_STDOUT, unwritten) :]


atexit.register(flush)
