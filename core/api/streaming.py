"""A response of many pieces that is made while it is sent, and that leaves the worker slots to other requests."""

import threading
from collections.abc import Iterator

from django.http import StreamingHttpResponse

from core import concurrency

# Of all such responses of a process one piece is made at a time, so that together they take one worker slot.
_one_piece = threading.Lock()


def streamed_json(pieces: Iterator[bytes]) -> StreamingHttpResponse:
    """`pieces` is called for each piece in a worker slot, and in none while the client reads."""
    return StreamingHttpResponse(_in_slots(pieces, concurrency.current_slots()), content_type="application/json")


def _in_slots(pieces: Iterator[bytes], slots: concurrency.WorkerSlots | None) -> Iterator[bytes]:
    while True:
        with _one_piece, concurrency.reacquired_slot(slots):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece
