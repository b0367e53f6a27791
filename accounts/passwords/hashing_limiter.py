"""Who may hash a password now, who waits for it, and who is told to come back: a hash takes a core for a fifth of a second."""

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

# Longer than the whole queue takes on a machine with nothing else to do, and shorter than most clients wait.
PATIENCE_SECONDS = 10.0
FLOW_LEVELS = 1 + LEVELS + 1  # kind of request, networks, user


class Queue:
    """Gives `at_once` callers a turn at the same time; of the others at most `most_waiting` wait, in the order of FairQueue.

    When the queue is full, a caller of a smaller flow takes the slot of the newest caller of the largest flow.
    """

    def __init__(self, *, at_once: int, most_waiting: int) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._most_waiting = most_waiting
        self._waiting = FairQueue()

    def has_no_slot_for(self, path: Path) -> bool:
        """Whether a caller with this path would be refused at once."""
        with self._lock:
            return not self._free and self._is_full() and self._displaced_by(path) is None

    def enter(self, *, patience: float | None, path: Path = ()) -> bool:
        """Returns with the turn, to be ended by `leave`; False without: too many wait, or it took too long.

        Without a `patience` in seconds a caller waits, however many there are and however long it takes.
        """
        waiter = Waiter((path + FLOW_LEVELS * ("",))[:FLOW_LEVELS], bounded=patience is not None)
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if waiter.bounded and self._is_full() and not self._make_room(waiter.path):
                return False
            self._waiting.push(waiter)
        with HASHES_WAITING.track_inprogress():
            waiter.resolved.wait(patience)
        return self._is_admitted(waiter)

    def leave(self) -> None:
        with self._lock:
            waiter = self._waiting.pop()
            if waiter is None:
                self._free += 1
            else:
                waiter.admitted = True
                waiter.resolved.set()

    def _is_full(self) -> bool:
        return self._waiting.bounded >= self._most_waiting

    def _displaced_by(self, path: Path) -> Waiter | None:
        return self._waiting.newest_of_largest_flow(path)

    def _make_room(self, path: Path) -> bool:
        displaced = self._displaced_by(path)
        if displaced is None:
            return False
        self._waiting.remove(displaced)
        displaced.resolved.set()
        return True

    def _is_admitted(self, waiter: Waiter) -> bool:
        """A waiter that was neither admitted nor displaced ran out of patience, and leaves."""
        with self._lock:
            if not waiter.resolved.is_set():
                self._waiting.remove(waiter)
            return waiter.admitted


_queue = Queue(at_once=settings.HASH_AT_ONCE, most_waiting=settings.HASH_WAITING)
_of_this_thread = threading.local()
_HAD_A_TURN = "had_a_turn_to_hash"  # an attribute of the request


def ensure_capacity() -> None:
    """Spares a request that would have to be turned away all the work before the hash. Raises Overloaded."""
    if _patience() is not None and _queue.has_no_slot_for(_path()):
        raise _refusal()


@contextmanager
def turn() -> Iterator[None]:
    """Within, hashes may be computed, one after the other. Raises Overloaded."""
    if getattr(_of_this_thread, "has_turn", False):
        yield
        return
    path = _path()
    with concurrency.released_slot():
        if not _queue.enter(patience=_patience(), path=path):
            raise _refusal()
        _of_this_thread.has_turn = True
        try:
            with HASHES_RUNNING.track_inprogress():
                yield
        finally:
            _of_this_thread.has_turn = False
            _queue.leave()
            _note_turn()


def _path() -> Path:
    """The flows of the current request: signed in or not, then its network from the widest to the narrowest, then the user.

    Sign-ins and the password prompts of signed-in users take turns, so that neither backlog delays the other.
    """
    request = current_request()
    if request is None:
        return ("command",)
    user_id, _session_id = identity_of(request)
    networks = networks_of(request.META.get("REMOTE_ADDR"))
    return ("signed in" if user_id else "public", *networks, str(user_id or ""))


def _patience() -> float | None:
    """Commands and the worker have the time to wait. So does a request that was let in once: it is not sent away halfway."""
    request = current_request()
    return None if request is None or hasattr(request, _HAD_A_TURN) else PATIENCE_SECONDS


def _note_turn() -> None:
    request = current_request()
    if request is not None:
        setattr(request, _HAD_A_TURN, True)


def _refusal() -> Overloaded:
    """Nothing was judged, so nothing of it counts in any limit."""
    HASHES_REFUSED.inc()
    limiter.refund_current_request()
    return Overloaded()
