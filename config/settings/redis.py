"""Redis: a cache of what the database knows, so it is never waited for and its answers are never a pickle."""

from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from config import env
from config.embedded.paths import redis_socket
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

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            # The client's own default is ten retries with pauses: four seconds for a refused connection.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        },
    },
}
