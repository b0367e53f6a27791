"""Connections between two requests: the one used last is taken first, and whoever finds none opens one."""

import os
import select
import threading
import time
from collections import defaultdict, deque
from collections.abc import Hashable

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]

# Whatever lies between us and the server forgets idle connections sooner or later, and tells nobody. After a rush those that
# are no longer needed go too.
LONGEST_IDLE_SECONDS = 60.0


class IdleConnections:
    """Those of a process before its fork are not the child's to use, nor to close."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: defaultdict[Hashable, deque[tuple[Connection, float]]] = defaultdict(deque)

    def put(self, address: Hashable, connection: Connection, *, most: int) -> bool:
        """Keeps it, and at most `most` for the address in all. False where it has unfinished business."""
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE or not connection.autocommit:
            return False
        surplus = []
        with self._lock:
            mine = self._idle[os.getpid(), address]
            mine.append((connection, time.monotonic()))
            while len(mine) > most or _is_old(mine[0][1]):
                surplus.append(mine.popleft()[0])
        for other in surplus:
            other.close()
        return True

    def take(self, address: Hashable) -> Connection | None:
        """One that is open still. The server may have ended any number of them, with its restart all: they are passed over."""
        while (found := self._pop(address)) is not None:
            connection, since = found
            if _is_quiet(connection) and not _is_old(since):
                return connection
            connection.close()
        return None

    def _pop(self, address: Hashable) -> tuple[Connection, float] | None:
        with self._lock:
            mine = self._idle[os.getpid(), address]
            return mine.pop() if mine else None

    def close(self, address: Hashable) -> None:
        while (found := self._pop(address)) is not None:
            found[0].close()


def _is_old(since: float) -> bool:
    return time.monotonic() - since > LONGEST_IDLE_SECONDS


def _is_quiet(connection: Connection) -> bool:
    """A server that was asked nothing says nothing, except at the end. To ask it would cost each request a round trip."""
    try:
        ear = select.poll()
        ear.register(connection.fileno(), select.POLLIN)
    except psycopg.Error:
        return False
    return not ear.poll(0)
