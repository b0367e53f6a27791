"""Redis: a cache of the database. Requests never wait long for it, and its values are never pickles."""

from redis.backoff import NoBackoff
from redis.retry import Retry

from config.settings.debug import DEBUG
from core.environment import env, redis_url
from core.paths import redis_socket, url_path
from core.redis.connect import on_connect


def _address() -> redis_url.RedisURL:
    try:
        return redis_url.parse(env.text("REDIS_URL", f"unix://{url_path(redis_socket())}?db=0" if DEBUG else None))
    except redis_url.BadRedisURL as error:
        raise env.BadVariable("REDIS_URL", str(error)) from None


REDIS_ADDRESS = _address()
# Without the options, which redis-py would interpret differently: use REDIS_ADDRESS.client().
REDIS_URL = REDIS_ADDRESS.location
REDIS_TIMEOUT_SECONDS = 0.25
# The breaker stays open for this long after a failure: a Redis that hangs costs one request its time-out, not every request.
REDIS_BREAKER_SECONDS = 1.0
# A command or pipeline that took this long in all counts as a failure, even if each response came within the time-out.
REDIS_SLOW_SECONDS = 0.4
# The time-out of background threads.
REDIS_BACKGROUND_TIMEOUT = 1.0


def _timeouts() -> dict[str, float]:
    """The URL may set shorter ones. Longer ones would delay requests, and apply only to the broker."""
    given = REDIS_ADDRESS.options
    names = ("socket_timeout", "socket_connect_timeout")
    return {name: min(given.get(name, REDIS_TIMEOUT_SECONDS), REDIS_TIMEOUT_SECONDS) for name in names}


CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "CONNECTION_POOL_KWARGS": {
                # redis-py's default is ten retries with backoff: four seconds for a refused connection.
                "retry": Retry(NoBackoff(), 0),
                # redis-py's own handshake waits for each of its responses; with a slow Redis that adds up to a second.
                "protocol": 2,
                "driver_info": None,
                "redis_connect_func": on_connect,
            }
            | REDIS_ADDRESS.cache_options
            | _timeouts(),
        },
    },
}
