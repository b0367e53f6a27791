"""The worker's heartbeat and its last cleanup: each is a key in Redis whose remaining TTL gives the age, by Redis's clock."""

from contextlib import suppress

from core.redis.client import RedisUnavailable, execute

_WORKER_KEY = "vestibule:worker"
_CLEANUP_KEY = "vestibule:cleanup"
_TTL_SECONDS = 30 * 24 * 3600
# A sweep starts every five seconds, but a slow mail server may prolong one to a minute and a half.
STALE_SECONDS = 120


def beat() -> None:
    _touch(_WORKER_KEY)


def cleanup_finished() -> None:
    """Call after a cleanup that removed everything there was to remove."""
    _touch(_CLEANUP_KEY)


def _touch(key: str) -> None:
    with suppress(RedisUnavailable):
        execute(lambda client: client.set(key, 1, ex=_TTL_SECONDS))


def age() -> int | None:
    """Return the seconds since the last heartbeat; None if Redis is unavailable or has none."""
    return _key_age(_WORKER_KEY)


def cleanup_age() -> int | None:
    """Return the seconds since the last finished cleanup; None if Redis is unavailable, or after a month without one."""
    return _key_age(_CLEANUP_KEY)


def _key_age(key: str) -> int | None:
    try:
        ttl: int = execute(lambda client: client.ttl(key))
    except RedisUnavailable:
        return None
    return _TTL_SECONDS - ttl if ttl >= 0 else None


def state(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    return "stale" if seconds > STALE_SECONDS else "ok"
