"""Notes when a session was last seen, at most once a minute, on no request's time."""

import logging
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection

from sessions_tracking.models import Session

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 60
_MOST_REMEMBERED = 10_000  # some two hundred bytes each

_lock = threading.Lock()
_noted: dict[uuid.UUID, float] = {}
_pending: set[uuid.UUID] = set()


def record(session_id: uuid.UUID) -> None:
    """Remembers that the session is in use; a thread of its own writes it a few seconds later. Never waits, never fails."""
    now = time.monotonic()
    if now - _noted.get(session_id, -_PAUSE_SECONDS) < _PAUSE_SECONDS:
        return
    with _lock:
        if len(_noted) >= _MOST_REMEMBERED:
            _noted.clear()
        _noted[session_id] = now
        is_first = not _pending
        _pending.add(session_id)
    if is_first and settings.LAST_SEEN_WRITE_SECONDS is not None:
        _start_writer(settings.LAST_SEEN_WRITE_SECONDS)


def _start_writer(seconds: float) -> None:
    timer = threading.Timer(seconds, _write_in_thread)
    timer.daemon = True
    timer.start()


def _write_in_thread() -> None:
    """The thread ends here, and so must its connection: nobody else could close it."""
    try:
        flush()
    finally:
        connection.close()


def flush() -> None:
    """Writes what was noted, in one UPDATE. The condition keeps other processes from writing the same minute again."""
    with _lock:
        session_ids = list(_pending)
        _pending.clear()
    now = datetime.now(UTC)
    stale = now - timedelta(seconds=_PAUSE_SECONDS)
    try:
        Session.objects.filter(id__in=session_ids, last_seen_at__lt=stale).update(last_seen_at=now)
    except DatabaseError:
        logger.warning("could not write when %d sessions were last seen", len(session_ids))


def clear() -> None:
    """Drops what this process noted: for tests, and for a process that was forked."""
    with _lock:
        _noted.clear()
        _pending.clear()
