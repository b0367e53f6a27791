"""The worker's heartbeat and its last cleanup: each leaves a mark in Redis, whose clock alone tells the age."""

from contextlib import suppress

from core.redis.client import RedisAway, ask

_KEY = "vestibule:worker"
_CLEANUP_KEY = "vestibule:cleanup"
_LIFETIME = 30 * 24 * 3600
# A sweep comes every five seconds, but a slow mail server may keep one at work for a minute and a half.
LATE_SECONDS = 120


def beat() -> None:
    _mark(_KEY)


def cleanup_finished() -> None:
    """For a cleanup that removed everything there was to remove."""
    _mark(_CLEANUP_KEY)


def _mark(key: str) -> None:
    with suppress(RedisAway):
        ask(lambda client: client.set(key, 1, ex=_LIFETIME))


def age() -> int | None:
    """Seconds since the last; None where Redis does not say, or never heard one."""
    return _age_of_mark(_KEY)


def cleanup_age() -> int | None:
    """Seconds since the last cleanup that finished; None if Redis does not say, or after a month without one."""
    return _age_of_mark(_CLEANUP_KEY)


def _age_of_mark(key: str) -> int | None:
    try:
        left: int = ask(lambda client: client.ttl(key))
    except RedisAway:
        return None
    return _LIFETIME - left if left >= 0 else None


def state(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    return "late" if seconds > LATE_SECONDS else "ok"
