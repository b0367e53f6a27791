"""Redis behind a circuit breaker: the service never waits long for Redis, and works without it."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import redis
from django.conf import settings
from django_redis import get_redis_connection

from core.metrics.registry import gauge
from core.redis.connect import CLIENT_NAME, WRITE_PROBE_KEY, cache_generation

logger = logging.getLogger(__name__)

T = TypeVar("T")

BREAKER_OPEN = gauge("redis_breaker_open", "1 while a process sends Redis no commands.", mode="livemax")


class RedisUnavailable(Exception):
    """Redis did not respond, or the breaker is open."""


class RedisRejected(RedisUnavailable):
    """Redis responds, but rejected this command: wrong type of key, or out of memory."""


class Breaker:
    """Opens after a failure. `pause` seconds later one caller probes Redis, while the others still fail fast."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self._lock = threading.Lock()
        self._open_until = 0.0
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    def allows_command(self) -> bool:
        if not self._is_open:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                return False
            self._open_until = now + self.pause
            return True

    def record_failure(self) -> None:
        with self._lock:
            self._open_until = time.monotonic() + self.pause
            opened, self._is_open = not self._is_open, True
        if opened:
            BREAKER_OPEN.set(1)
            logger.warning("redis breaker: open, only the database is read")

    def record_success(self) -> None:
        """Start a new cache generation before closing: Redis may have missed writes while the breaker was open."""
        if not self._is_open:
            return
        cache_generation.bump()
        with self._lock:
            self._is_open = False
        BREAKER_OPEN.set(0)
        logger.warning("redis breaker: closed, redis responds again")


breaker = Breaker(settings.REDIS_BREAKER_SECONDS)


def execute(command: Callable[[Any], T]) -> T:
    """Run `command` with the raw client of the cache's pool. Raises RedisUnavailable, at most 250 ms later.

    RedisRejected leaves the breaker closed: an error about one key or one command shows that Redis responds. Any other error
    opens it, also that of a read-only replica, in which revocations by other nodes would not show.
    """
    if not breaker.allows_command():
        raise RedisUnavailable
    started = time.monotonic()
    try:
        result = _run(command)
    except redis.MaxConnectionsError as error:
        raise RedisRejected from error  # `max_connections` of REDIS_URL are in use: Redis itself may be fine
    except (redis.RedisError, OSError) as error:
        if _is_about_one_command(error):
            breaker.record_success()
            raise RedisRejected from error
        breaker.record_failure()
        raise RedisUnavailable from error
    if time.monotonic() - started > settings.REDIS_SLOW_SECONDS:
        breaker.record_failure()  # several slow responses, each within its time-out; the rest of this request skips Redis
    else:
        breaker.record_success()
    return result


def _run(command: Callable[[Any], T]) -> T:
    client = get_redis_connection("default")
    if breaker.is_open:
        client.delete(WRITE_PROBE_KEY)  # Redis may respond again and still accept no writes
    return command(client)


def get(key: str) -> bytes | None:
    """Run one GET as `execute` does, in half the time: redis-py's own method prepares retries and statistics, unused here."""
    return execute(lambda client: _get(client.connection_pool, key))


def _get(pool: Any, key: str) -> bytes | None:
    connection = pool.get_connection()
    try:
        connection.send_command("GET", key)
        value: bytes | None = connection.read_response()
    except redis.ResponseError:
        raise
    except BaseException:
        connection.disconnect()  # a late response must not be taken for that to the next command
        raise
    finally:
        pool.release(connection)
    return value


def _is_about_one_command(error: Exception) -> bool:
    """A script wraps the error of a command in an error of its own."""
    return isinstance(error, redis.OutOfMemoryError) or any(text in str(error) for text in ("WRONGTYPE", "OOM command"))


def disconnect_other_clients(client: Any) -> None:
    """End the other connections of this service on all nodes, so that each process reconnects and probes Redis for writes.

    For a Redis that still responds but accepts no writes: a process that only reads would not notice.
    """
    name = client.connection_pool.connection_kwargs.get("client_name") or CLIENT_NAME
    with suppress(redis.RedisError), client.pipeline(transaction=False) as pipeline:
        for other in client.client_list():
            if other.get("name") == name:
                pipeline.client_kill_filter(_id=other["id"], skipme=True)
        pipeline.execute()


def background_client() -> redis.Redis:
    """Return a client with its own connection that bypasses the breaker, for a background thread; close it after use.

    It skips `on_connect`, which waits for responses: its commands thus reach a Redis that hangs before those sent later.
    """
    pool = get_redis_connection("default").connection_pool
    overrides = {"socket_timeout": settings.REDIS_BACKGROUND_TIMEOUT, "redis_connect_func": None}
    kwargs = pool.connection_kwargs | overrides
    return redis.Redis.from_pool(redis.ConnectionPool(pool.connection_class, max_connections=1, **kwargs))
