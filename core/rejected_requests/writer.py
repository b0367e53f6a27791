"""Queues rejected requests in memory, and writes them to Redis in batches from a background thread."""

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings

from core.redis.client import RedisUnavailable
from core.rejected_requests import store
from core.rejected_requests.records import RejectedRequest

logger = logging.getLogger(__name__)

# Returns the ids of user and session. It verifies a token's signature, so the writer's thread calls it, not the request's.
TokenReader = Callable[[], tuple[uuid.UUID | None, uuid.UUID | None]]

_MAX_PENDING = 2000

_lock = threading.Lock()
_pending: deque[tuple[RejectedRequest, TokenReader]] = deque(maxlen=_MAX_PENDING)  # a flood drops the oldest


def record(rejected: RejectedRequest, read_token: TokenReader) -> None:
    """Queue the request for the writer's thread, which starts REJECTED_REQUEST_WRITE_SECONDS later. Never blocks."""
    with _lock:
        is_first = not _pending
        _pending.append((rejected, read_token))
    if is_first and settings.REJECTED_REQUEST_WRITE_SECONDS is not None:
        _start_writer(settings.REJECTED_REQUEST_WRITE_SECONDS)


def _start_writer(seconds: float) -> None:
    timer = threading.Timer(seconds, write)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # no more threads; the next rejected request tries again
        discard()


def write() -> None:
    """Write the queue in one round trip. If Redis is unavailable, log how many records are lost."""
    with _lock:
        pending = list(_pending)
        _pending.clear()
    if not pending:
        return
    try:
        store.append([_with_ids(rejected, read_token) for rejected, read_token in pending])
    except RedisUnavailable:
        logger.warning("could not record why %d requests were rejected", len(pending))


def _with_ids(rejected: RejectedRequest, read_token: TokenReader) -> RejectedRequest:
    try:
        user_id, session_id = read_token()
    except Exception:  # one unreadable token must not lose the other records
        logger.exception("could not read the token of a rejected request")
        return rejected
    return replace(rejected, user_id=user_id, session_id=session_id)


def discard() -> None:
    with _lock:
        _pending.clear()
