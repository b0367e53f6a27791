"""Keeps refusals on no request's time: a bounded queue in memory, and a thread that writes it to Redis now and then."""

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings

from core.redis.client import RedisAway
from core.rejected_requests import store
from core.rejected_requests.records import Refusal

logger = logging.getLogger(__name__)

# The ids of user and session. To read them out of a token takes a signature, so it is left to the writer's thread.
Bearer = Callable[[], tuple[uuid.UUID | None, uuid.UUID | None]]

_MOST_WAITING = 2000

_lock = threading.Lock()
_waiting: deque[tuple[Refusal, Bearer]] = deque(maxlen=_MOST_WAITING)  # in a flood the oldest give way


def note(refusal: Refusal, bearer: Bearer) -> None:
    """Remembers the refusal; a thread of its own writes it a moment later. Asks nothing and waits for nobody."""
    with _lock:
        is_first = not _waiting
        _waiting.append((refusal, bearer))
    if is_first and settings.REFUSAL_WRITE_SECONDS is not None:
        _start_writer(settings.REFUSAL_WRITE_SECONDS)


def _start_writer(seconds: float) -> None:
    timer = threading.Timer(seconds, write)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # no more threads, and the next refusal is to try again
        forget()


def write() -> None:
    """Writes what waits, in one round trip; what Redis does not take is lost, and said so."""
    with _lock:
        waiting = list(_waiting)
        _waiting.clear()
    if not waiting:
        return
    try:
        store.append([_with_bearer(refusal, bearer) for refusal, bearer in waiting])
    except RedisAway:
        logger.warning("could not keep why %d requests were refused", len(waiting))


def _with_bearer(refusal: Refusal, bearer: Bearer) -> Refusal:
    try:
        user_id, session_id = bearer()
    except Exception:  # one token that cannot be read takes no other record with it
        logger.exception("could not read whose token was refused")
        return refusal
    return replace(refusal, user_id=user_id, session_id=session_id)


def forget() -> None:
    """Drops what waits."""
    with _lock:
        _waiting.clear()
