"""The worker's heartbeat: its start and each of its sweeps leave a mark in Redis, whose clock alone tells the age."""

from contextlib import suppress

from config.redis import RedisAway, ask

_KEY = "vestibule:worker"
_LIFETIME = 30 * 24 * 3600
# A sweep comes every five seconds, but a slow mail server may keep one at work for a minute and a half.
LATE_SECONDS = 120


def beat() -> None:
    with suppress(RedisAway):
        ask(lambda client: client.set(_KEY, 1, ex=_LIFETIME))


def age() -> int | None:
    """Seconds since the last; None where Redis does not say, or never heard one."""
    try:
        left: int = ask(lambda client: client.ttl(_KEY))
    except RedisAway:
        return None
    return _LIFETIME - left if left >= 0 else None


def state(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    return "late" if seconds > LATE_SECONDS else "ok"
