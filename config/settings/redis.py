"""Redis: a cache of what the database knows, so it is never waited for and its answers are never a pickle."""

from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from config import env
from config.embedded.paths import redis_socket
from config.redis_greeting import greet
from config.settings.debug import DEBUG


def _url() -> str:
    url = env.text("REDIS_URL", f"unix://{redis_socket()}?db=0" if DEBUG else None)
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:  # the address may hold a password and is not shown
        raise env.BadVariable("REDIS_URL", "cannot be read; write redis://:password@host:6379/0") from None
    return url


REDIS_URL = _url()
REDIS_TIMEOUT_SECONDS = 0.25
# After a failure nobody asks Redis for this long: a Redis that hangs costs one request its time-out, not each of them.
REDIS_BREAKER_SECONDS = 1.0
# A question that took this long in all, its answers each within the time-out, counts as a failure too.
REDIS_SLOW_SECONDS = 0.4
# How long a thread that nobody waits for waits for Redis; what came up meanwhile has to wait for it.
REDIS_PATIENCE_SECONDS = 1.0

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            "CONNECTION_POOL_KWARGS": {
                # The client's own default is ten retries with pauses: four seconds for a refused connection.
                "retry": Retry(NoBackoff(), 0),
                # Each part of its own greeting waits for an answer; with a slow Redis that adds up to a second.
                "protocol": 2,
                "driver_info": None,
                "redis_connect_func": greet,
            },
        },
    },
}
