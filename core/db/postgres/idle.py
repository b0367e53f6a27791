"""Idle connections between requests. The one used last is reused first."""

import os
import select
import threading
import time
from collections import defaultdict, deque
from collections.abc import Hashable

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]

# NAT gateways and firewalls drop idle connections without notice; after a peak, connections that are no longer needed close.
MAX_IDLE_SECONDS = 60.0


class IdleConnections:
    """Keyed by process too: a child must neither use nor close the connections of before the fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: defaultdict[Hashable, deque[tuple[Connection, float]]] = defaultdict(deque)

    def put(self, key: Hashable, connection: Connection, *, max_idle: int) -> bool:
        """Keep the connection, and at most `max_idle` for the key. Return False if it is in a transaction."""
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE or not connection.autocommit:
            return False
        surplus = []
        with self._lock:
            idle = self._idle[os.getpid(), key]
            idle.append((connection, time.monotonic()))
            while len(idle) > max_idle or _is_expired(idle[0][1]):
                surplus.append(idle.popleft()[0])
        for other in surplus:
            other.close()
        return True

    def take(self, key: Hashable) -> Connection | None:
        """Return an open connection. Skip those that the server has closed; its restart closes all of them."""
        while (entry := self._pop(key)) is not None:
            connection, idle_since = entry
            if _has_no_input(connection) and not _is_expired(idle_since):
                return connection
            connection.close()
        return None

    def _pop(self, key: Hashable) -> tuple[Connection, float] | None:
        with self._lock:
            idle = self._idle[os.getpid(), key]
            return idle.pop() if idle else None

    def close(self, key: Hashable) -> None:
        while (entry := self._pop(key)) is not None:
            entry[0].close()


def _is_expired(idle_since: float) -> bool:
    return time.monotonic() - idle_since > MAX_IDLE_SECONDS


def _has_no_input(connection: Connection) -> bool:
    """An idle server sends nothing, except when it closes the connection. A query would cost each request a round trip."""
    try:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
    except psycopg.Error:
        return False
    return not poll.poll(0)
