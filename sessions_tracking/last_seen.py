"""Records when a session was last seen, at most once a minute, in a background thread."""

import logging
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection

from sessions_tracking.models import Session

logger = logging.getLogger(__name__)

_MIN_INTERVAL_SECONDS = 60
_MAX_RECORDED = 10_000  # about 200 bytes each

_lock = threading.Lock()
_recorded: dict[uuid.UUID, float] = {}
_pending: set[uuid.UUID] = set()


def record(session_id: uuid.UUID) -> None:
    """Schedule the write of `last_seen_at` within LAST_SEEN_WRITE_SECONDS. Never blocks, never raises."""
    now = time.monotonic()
    if now - _recorded.get(session_id, -_MIN_INTERVAL_SECONDS) < _MIN_INTERVAL_SECONDS:
        return
    with _lock:
        if len(_recorded) >= _MAX_RECORDED:
            _recorded.clear()
        _recorded[session_id] = now
        is_first = not _pending
        _pending.add(session_id)
    if is_first and settings.LAST_SEEN_WRITE_SECONDS is not None:
        _start_writer(settings.LAST_SEEN_WRITE_SECONDS)


def _start_writer(seconds: float) -> None:
    timer = threading.Timer(seconds, _flush_in_thread)
    timer.daemon = True
    timer.start()


def _flush_in_thread() -> None:
    """Close the connection, which belongs to this thread, before the thread ends."""
    try:
        flush()
    finally:
        connection.close()


def flush() -> None:
    """Write all recorded sessions in one UPDATE. Its condition skips what another process wrote within the last minute."""
    with _lock:
        session_ids = list(_pending)
        _pending.clear()
    now = datetime.now(UTC)
    stale = now - timedelta(seconds=_MIN_INTERVAL_SECONDS)
    try:
        Session.objects.filter(id__in=session_ids, last_seen_at__lt=stale).update(last_seen_at=now)
    except DatabaseError:
        logger.warning("could not update last_seen_at of %d sessions", len(session_ids))


def clear() -> None:
    """Drop all recorded sessions: for tests, and after a fork."""
    with _lock:
        _recorded.clear()
        _pending.clear()
