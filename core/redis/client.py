"""Redis behind a breaker: asked only while it answers, and never trusted to be there."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import redis
from django.conf import settings
from django_redis import get_redis_connection

from core.observability.metrics import BREAKER_OPEN
from core.redis.connect import CLIENT_NAME, PROOF, epochs

logger = logging.getLogger(__name__)

T = TypeVar("T")


class RedisAway(Exception):
    """Redis did not answer, or was not asked because it lately did not."""


class RedisRefused(RedisAway):
    """Redis is there, but not for this command: another type is under the key, or there is no memory left."""


class Breaker:
    """Open (nobody asks) for `pause` seconds after a failure; then one caller tries, while the others still keep away."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self._lock = threading.Lock()
        self._open_until = 0.0
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    def admits(self) -> bool:
        if not self._is_open:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                return False
            self._open_until = now + self.pause
            return True

    def failed(self) -> None:
        with self._lock:
            self._open_until = time.monotonic() + self.pause
            opened, self._is_open = not self._is_open, True
        if opened:
            BREAKER_OPEN.set(1)
            logger.warning("redis breaker: open, the database answers alone")

    def succeeded(self) -> None:
        """What Redis holds was perhaps not told of everything meanwhile, so a new epoch begins before anybody asks again."""
        if not self._is_open:
            return
        epochs.begin()
        with self._lock:
            self._is_open = False
        BREAKER_OPEN.set(0)
        logger.warning("redis breaker: closed, redis answers again")


breaker = Breaker(settings.REDIS_BREAKER_SECONDS)


def ask(command: Callable[[Any], T]) -> T:
    """Runs `command` with the raw client of the cache's pool; RedisAway when it fails, at most 250 ms later.

    RedisRefused leaves the breaker closed: an error about one key or one command says that Redis is there. Any other error
    opens it, also that of a replica that only reads: in it nobody would find what others revoke.
    """
    if not breaker.admits():
        raise RedisAway
    started = time.monotonic()
    try:
        answer = _run(command)
    except redis.MaxConnectionsError as error:
        raise RedisRefused from error  # `max_connections` of REDIS_URL are in use: that says nothing about Redis
    except (redis.RedisError, OSError) as error:
        if _is_about_one_command(error):
            breaker.succeeded()
            raise RedisRefused from error
        breaker.failed()
        raise RedisAway from error
    if time.monotonic() - started > settings.REDIS_SLOW_SECONDS:
        breaker.failed()  # several answers, each just in time; the rest of this request does without
    else:
        breaker.succeeded()
    return answer


def _run(command: Callable[[Any], T]) -> T:
    client = get_redis_connection("default")
    if breaker.is_open:
        client.delete(PROOF)  # it may answer again and yet take no writes
    return command(client)


def get(key: str) -> bytes | None:
    """As `ask` for one GET, in half the time: the client's own commands prepare for retries, which we do without, and keep
    figures that nobody reads.
    """
    return ask(lambda client: _get(client.connection_pool, key))


def _get(pool: Any, key: str) -> bytes | None:
    connection = pool.get_connection()
    try:
        connection.send_command("GET", key)
        found: bytes | None = connection.read_response()
    except redis.ResponseError:
        raise
    except BaseException:
        connection.disconnect()  # an answer that comes late must not be taken for that to the next question
        raise
    finally:
        pool.release(connection)
    return found


def _is_about_one_command(error: Exception) -> bool:
    """A script reports such an error inside one of its own."""
    return isinstance(error, redis.OutOfMemoryError) or any(word in str(error) for word in ("WRONGTYPE", "OOM command"))


def dismiss_others(client: Any) -> None:
    """Ends the other connections of this product, on all nodes: each process has to greet Redis again, and learns what it is.

    For a Redis that still answers but takes no writes: those who only read from it would not notice.
    """
    ours = client.connection_pool.connection_kwargs.get("client_name") or CLIENT_NAME
    with suppress(redis.RedisError), client.pipeline(transaction=False) as pipeline:
        for other in client.client_list():
            if other.get("name") == ours:
                pipeline.client_kill_filter(_id=other["id"], skipme=True)
        pipeline.execute()


def patient_client() -> redis.Redis:
    """A client with one connection of its own, past the breaker, for a thread that has time; close it after use.

    It does not greet: what it sends waits at the door of a Redis that hangs, before whatever others ask later.
    """
    pool = get_redis_connection("default").connection_pool
    own = {"socket_timeout": settings.REDIS_PATIENCE_SECONDS, "redis_connect_func": None}
    kwargs = pool.connection_kwargs | own
    return redis.Redis.from_pool(redis.ConnectionPool(pool.connection_class, max_connections=1, **kwargs))
