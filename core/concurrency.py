"""The slots of the requests that a process works on at once: a thread that waits for something slow releases its slot."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from django.db import close_old_connections, connection

_thread = threading.local()


class WorkerSlots:
    """A context manager in which the thread holds one of `number` slots. Entering it waits for a free one."""

    def __init__(self, number: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(number):
            self._free.put(None)

    def __enter__(self) -> None:
        self._free.get()
        _thread.slots = self

    def __exit__(self, *_error: object) -> None:
        _thread.slots = None
        self._free.put(None)


@contextmanager
def released_slot() -> Iterator[None]:
    """Release the thread's slot and its database connection within. There are as many connections as slots.

    A thread in a transaction keeps both. A command and the email worker have no slot.
    """
    slots: WorkerSlots | None = getattr(_thread, "slots", None)
    if slots is None or connection.in_atomic_block:
        yield
        return
    close_old_connections()  # as at the end of a request: the next request takes the connection
    slots.__exit__()
    try:
        yield
    finally:
        slots.__enter__()


def current_slots() -> WorkerSlots | None:
    """Return the slots that this thread works in, for a response that is made after its request has left them."""
    return getattr(_thread, "slots", None)


@contextmanager
def reacquired_slot(slots: WorkerSlots | None) -> Iterator[None]:
    """Hold one of the slots within, so that the thread may use a database connection."""
    if slots is None or current_slots() is slots:
        yield
        return
    with slots:
        try:
            yield
        finally:
            close_old_connections()
