"""Who may hash a password now, who waits for it, and who is told to come back: a hash takes a core for a fifth of a second."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from config import places
from config.api.exceptions import Overloaded
from config.api.request_id import current_request
from config.metrics import HASHES_REFUSED, HASHES_RUNNING, HASHES_WAITING
from config.rate_limits import limiter

# Longer than the whole queue takes on a machine with nothing else to do, and shorter than most clients wait.
PATIENCE_SECONDS = 10.0


class Queue:
    """`at_once` have their turn, those after them in the order in which they came, and no more than `most_waiting` of them."""

    def __init__(self, *, at_once: int, most_waiting: int) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._most_waiting = most_waiting
        self._waiting: deque[threading.Event] = deque()

    def is_full(self) -> bool:
        return not self._free and len(self._waiting) >= self._most_waiting

    def enter(self, *, patience: float | None) -> bool:
        """Returns with the turn, to be ended by `leave`; False without: too many wait, or it took too long.

        Without a `patience` in seconds whoever comes waits, however many there are and however long it takes.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if patience is not None and self.is_full():
                return False
            mine = threading.Event()
            self._waiting.append(mine)
        with HASHES_WAITING.track_inprogress():
            return mine.wait(patience) or not self._gave_up(mine)

    def leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _gave_up(self, mine: threading.Event) -> bool:
        """False where the turn came at the very last moment."""
        with self._lock:
            if mine.is_set():
                return False
            self._waiting.remove(mine)
            return True


_queue = Queue(at_once=settings.HASH_AT_ONCE, most_waiting=settings.HASH_WAITING)
_of_this_thread = threading.local()
_HAD_A_TURN = "had_a_turn_to_hash"  # an attribute of the request


def require_room() -> None:
    """Spares a request that would have to be turned away all the work before the hash. Raises Overloaded."""
    if _queue.is_full() and _patience() is not None:
        raise _refusal()


@contextmanager
def turn() -> Iterator[None]:
    """Within, hashes may be computed, one after the other. Raises Overloaded."""
    if getattr(_of_this_thread, "has_turn", False):
        yield
        return
    with places.given_back():
        if not _queue.enter(patience=_patience()):
            raise _refusal()
        _of_this_thread.has_turn = True
        try:
            with HASHES_RUNNING.track_inprogress():
                yield
        finally:
            _of_this_thread.has_turn = False
            _queue.leave()
            _note_turn()


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
    limiter.give_back()
    return Overloaded()
