"""How a new connection to Redis begins: is it the Redis that we knew, and does it take writes?"""

import threading
from typing import Any
from weakref import WeakSet

import redis

CLIENT_NAME = "vestibule"
# A write that leaves nothing behind, and that a Redis without memory performs too.
PROOF = "vestibule:proof"
_GREETING = (("INFO", "server"), ("DEL", PROOF))


class Epochs:
    """Counts the moments after which Redis may hold something older than what it was told before."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()
        self._run: bytes | None = None

    def begin(self) -> None:
        with self._lock:
            self.number += 1

    def meet(self, run: bytes | None, *, was_cut_off: bool) -> None:
        """`run` is Redis's name for the time since its start; another one may have begun with an older snapshot."""
        with self._lock:
            if was_cut_off or run is None or run != self._run:
                self.number += 1
            self._run = run


epochs = Epochs()
_greeted: WeakSet[Any] = WeakSet()


def greet(connection: Any) -> None:
    """What the client library calls for each new connection: one round trip beyond AUTH and SELECT.

    Raises what the library raises for a Redis that cannot be used; so does one that takes no writes, for what others
    revoke would not show in it.
    """
    connection.on_connect()
    greeting = (("CLIENT", "SETNAME", connection.client_name or CLIENT_NAME), *_GREETING)
    connection.send_packed_command(connection.pack_commands(greeting))
    _named, server, proven = [_answer(connection) for _ in greeting]
    if isinstance(proven, redis.ResponseError):
        raise redis.ConnectionError("redis takes no writes") from proven
    epochs.meet(_run_in(server), was_cut_off=connection in _greeted)
    _greeted.add(connection)


def _answer(connection: Any) -> Any:
    """All answers must be read, also after one that is an error."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def _run_in(server: Any) -> bytes | None:
    """None where Redis does not say: then each connection is a stranger's."""
    lines = server.splitlines() if isinstance(server, bytes) else []
    return next((line for line in lines if line.startswith(b"run_id:")), None)
