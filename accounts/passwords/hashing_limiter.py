"""Limits concurrent hashes in a process: a hash takes a core for a fifth of a second. Other callers wait in a queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from accounts.metrics import HASHES_REFUSED, HASHES_RUNNING, HASHES_WAITING
from accounts.passwords.fair_queue import FairQueue, Path, Waiter
from core import concurrency
from core.api.exceptions import Overloaded
from core.http.request_context import current_request
from core.observability.request_identity import identity_of
from core.throttling import limiter
from core.throttling.networks import LEVELS, networks_of

# Longer than a full queue takes on an idle machine, and shorter than most clients wait.
MAX_WAIT_SECONDS = 10.0
FLOW_LEVELS = 1 + LEVELS + 1  # kind of request, networks, user


class Queue:
    """Gives slots to `concurrency` callers at the same time; at most `max_waiting` others wait, in the order of FairQueue.

    When the queue is full, a caller of a smaller flow takes the place of the newest caller of the largest flow.
    """

    def __init__(self, *, concurrency: int, max_waiting: int) -> None:
        self._lock = threading.Lock()
        self._free = concurrency
        self._max_waiting = max_waiting
        self._waiting = FairQueue()

    def is_full_for(self, path: Path) -> bool:
        """Return whether `acquire` with this path would fail immediately."""
        with self._lock:
            return not self._free and self._is_full() and self._displaced_by(path) is None

    def acquire(self, *, timeout: float | None, path: Path = ()) -> bool:
        """Return True with a slot, which `release` returns; False if too many callers wait, or after `timeout` seconds.

        A caller without a timeout is never rejected, however long the queue is.
        """
        waiter = Waiter((path + FLOW_LEVELS * ("",))[:FLOW_LEVELS], bounded=timeout is not None)
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if waiter.bounded and self._is_full() and not self._displace(waiter.path):
                return False
            self._waiting.push(waiter)
        with HASHES_WAITING.track_inprogress():
            waiter.resolved.wait(timeout)
        return self._withdraw_unless_admitted(waiter)

    def release(self) -> None:
        with self._lock:
            waiter = self._waiting.pop()
            if waiter is None:
                self._free += 1
            else:
                waiter.admitted = True
                waiter.resolved.set()

    def _is_full(self) -> bool:
        return self._waiting.bounded >= self._max_waiting

    def _displaced_by(self, path: Path) -> Waiter | None:
        return self._waiting.newest_of_largest_flow(path)

    def _displace(self, path: Path) -> bool:
        displaced = self._displaced_by(path)
        if displaced is None:
            return False
        self._waiting.remove(displaced)
        displaced.resolved.set()
        return True

    def _withdraw_unless_admitted(self, waiter: Waiter) -> bool:
        """Remove a waiter that timed out: one that was neither admitted nor displaced."""
        with self._lock:
            if not waiter.resolved.is_set():
                self._waiting.remove(waiter)
            return waiter.admitted


_queue = Queue(concurrency=settings.HASH_CONCURRENCY, max_waiting=settings.HASH_QUEUE_SIZE)
_thread = threading.local()
_ADMITTED = "admitted_to_hash"  # an attribute of the request


def ensure_capacity() -> None:
    """Raise Overloaded before a request does the work that precedes its hash, if the queue is full."""
    if _timeout() is not None and _queue.is_full_for(_path()):
        raise _overloaded()


@contextmanager
def hashing_slot() -> Iterator[None]:
    """Hold a slot, in which any number of hashes may be computed in sequence. Reentrant. Raises Overloaded."""
    if getattr(_thread, "has_slot", False):
        yield
        return
    path = _path()
    with concurrency.released_slot():
        if not _queue.acquire(timeout=_timeout(), path=path):
            raise _overloaded()
        _thread.has_slot = True
        try:
            with HASHES_RUNNING.track_inprogress():
                yield
        finally:
            _thread.has_slot = False
            _queue.release()
            _mark_admitted()


def _path() -> Path:
    """Return the flows of the current request: signed in or not, its networks from the widest to the narrowest, the user.

    Logins and the password prompts of signed-in users take turns, so that neither backlog delays the other.
    """
    request = current_request()
    if request is None:
        return ("command",)
    user_id, _session_id = identity_of(request)
    networks = networks_of(request.META.get("REMOTE_ADDR"))
    return ("signed in" if user_id else "public", *networks, str(user_id or ""))


def _timeout() -> float | None:
    """Commands and the worker wait without limit. So does a request that had a slot before, so that it is not aborted halfway."""
    request = current_request()
    return None if request is None or hasattr(request, _ADMITTED) else MAX_WAIT_SECONDS


def _mark_admitted() -> None:
    request = current_request()
    if request is not None:
        setattr(request, _ADMITTED, True)


def _overloaded() -> Overloaded:
    """Refund the request's charges: its password was not checked."""
    HASHES_REFUSED.inc()
    limiter.refund_current_request()
    return Overloaded()
