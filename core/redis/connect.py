"""Checks each new connection to Redis: is this the same server as before, and does it accept writes?"""

import threading
from typing import Any
from weakref import WeakSet

import redis

CLIENT_NAME = "vestibule"
# Deleting it changes nothing, and works also when Redis is out of memory.
WRITE_PROBE_KEY = "vestibule:write-probe"
_COMMANDS = (("INFO", "server"), ("DEL", WRITE_PROBE_KEY))


class CacheGeneration:
    """Counts the events after which Redis may hold entries older than what was written: an outage, a restart, a reconnect."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = threading.Lock()
        self._run_id: bytes | None = None

    def bump(self) -> None:
        with self._lock:
            self.number += 1

    def on_connect(self, run_id: bytes | None, *, reconnected: bool) -> None:
        """`run_id` identifies a run of the Redis server; another run may have started from an older snapshot."""
        with self._lock:
            if reconnected or run_id is None or run_id != self._run_id:
                self.number += 1
            self._run_id = run_id


cache_generation = CacheGeneration()
_seen_connections: WeakSet[Any] = WeakSet()


def on_connect(connection: Any) -> None:
    """Set up a new connection; redis-py calls this. Costs one round trip beyond AUTH and SELECT.

    Raises redis-py's own errors, also for a Redis that accepts no writes: revocations by other nodes would not show in it.
    """
    connection.on_connect()
    commands = (("CLIENT", "SETNAME", connection.client_name or CLIENT_NAME), *_COMMANDS)
    connection.send_packed_command(connection.pack_commands(commands))
    _name, server_info, write_probe = [_read_response(connection) for _ in commands]
    if isinstance(write_probe, redis.ResponseError):
        raise redis.ConnectionError("redis accepts no writes") from write_probe
    cache_generation.on_connect(_parse_run_id(server_info), reconnected=connection in _seen_connections)
    _seen_connections.add(connection)


def _read_response(connection: Any) -> Any:
    """Return an error instead of raising it: the responses after it must be read too."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def _parse_run_id(server_info: Any) -> bytes | None:
    """Return Redis's run_id, or None if INFO is disabled; each connection then starts a new cache generation."""
    lines = server_info.splitlines() if isinstance(server_info, bytes) else []
    return next((line for line in lines if line.startswith(b"run_id:")), None)
