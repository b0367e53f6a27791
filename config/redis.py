"""Redis behind a breaker: asked only while it answers, and never trusted to be there."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from django.conf import settings
from django_redis import get_redis_connection

logger = logging.getLogger(__name__)

T = TypeVar("T")


class RedisAway(Exception):
    """Redis did not answer, or was not asked because it lately did not."""


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
            logger.warning("redis breaker: open, the database answers alone")

    def succeeded(self) -> None:
        if not self._is_open:
            return
        with self._lock:
            self._is_open = False
        logger.warning("redis breaker: closed, redis answers again")


breaker = Breaker(settings.REDIS_BREAKER_SECONDS)


def ask(command: Callable[[Any], T]) -> T:
    """Runs `command` with the raw client of the cache's pool; RedisAway when it fails, at most 250 ms later.

    An answer that is an error about one key or one command (a wrong type, no memory left) says that Redis is there: the
    breaker stays closed.
    """
    if not breaker.admits():
        raise RedisAway
    try:
        answer = command(get_redis_connection("default"))
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        breaker.failed()
        raise RedisAway from error
    except redis.RedisError as error:
        breaker.succeeded()
        raise RedisAway from error
    breaker.succeeded()
    return answer
