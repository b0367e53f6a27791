"""Redis: a cache of what the database knows, so it is never waited for and its answers are never a pickle."""

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
# Without the options, which redis-py's own clients would read in their own way: use REDIS_ADDRESS.client().
REDIS_URL = REDIS_ADDRESS.location
REDIS_TIMEOUT_SECONDS = 0.25
# After a failure nobody asks Redis for this long: a Redis that hangs costs one request its time-out, not each of them.
REDIS_BREAKER_SECONDS = 1.0
# A question that took this long in all, its answers each within the time-out, counts as a failure too.
REDIS_SLOW_SECONDS = 0.4
# How long a thread that nobody waits for waits for Redis; what came up meanwhile has to wait for it.
REDIS_BACKGROUND_TIMEOUT = 1.0


def _timeouts() -> dict[str, float]:
    """The URL may ask for shorter ones. A longer one would hold up requests, and is for the broker alone."""
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
                # The client's own default is ten retries with pauses: four seconds for a refused connection.
                "retry": Retry(NoBackoff(), 0),
                # Each part of its own greeting waits for an answer; with a slow Redis that adds up to a second.
                "protocol": 2,
                "driver_info": None,
                "redis_connect_func": on_connect,
            }
            | REDIS_ADDRESS.cache_options
            | _timeouts(),
        },
    },
}
