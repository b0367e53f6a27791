"""The places of the requests that a process works on at once: whoever waits for something slow gives theirs back meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from django.db import close_old_connections, connection

_of_this_thread = threading.local()


class Places:
    """Within, the thread holds one of `number` places; whoever finds none waits."""

    def __init__(self, number: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(number):
            self._free.put(None)

    def __enter__(self) -> None:
        self._free.get()
        _of_this_thread.places = self

    def __exit__(self, *_fault: object) -> None:
        _of_this_thread.places = None
        self._free.put(None)


@contextmanager
def given_back() -> Iterator[None]:
    """Within, this thread has neither its place nor a connection to the database, of which there are as many as places.

    Whoever is amid a transaction, or has no place (a command, the worker), keeps what they have.
    """
    places: Places | None = getattr(_of_this_thread, "places", None)
    if places is None or connection.in_atomic_block:
        yield
        return
    close_old_connections()  # as at the end of a request: the next one to ask has it
    places.__exit__()
    try:
        yield
    finally:
        places.__enter__()


def of_this_request() -> Places | None:
    """The places that this thread works in, for what a response still has to do after its request has left them."""
    return getattr(_of_this_thread, "places", None)


@contextmanager
def taken_again(places: Places | None) -> Iterator[None]:
    """Within, this thread has one of the places, and may have a connection to the database."""
    if places is None or of_this_request() is places:
        yield
        return
    with places:
        try:
            yield
        finally:
            close_old_connections()
