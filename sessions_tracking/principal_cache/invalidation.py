"""Invalidates cache entries after a commit: of revoked sessions, and of users whose name, role or state changed."""

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from redis.exceptions import ResponseError

from core.redis.client import RedisUnavailable, disconnect_other_clients, execute
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache import pending_writes
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS, REVOKED, STALE, cache_key, encode

logger = logging.getLogger(__name__)

_MARGIN = timedelta(minutes=1)
_SET_UNLESS_MARKED = """
local current = redis.call('GET', KEYS[1])
if current ~= ARGV[3] and current ~= ARGV[4] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


def mark_revoked(session_ids: Iterable[uuid.UUID]) -> None:
    """Overwrite the entries with REVOKED, which outlives every access token and every concurrent reader. Call after the commit.

    A Redis that is out of memory still deletes, and a missing entry sends the reader to the database. If Redis is
    unavailable, this process rejects the sessions by itself and retries the write. If the process ends before that, the
    entries in Redis expire within ACTIVE_ENTRY_SECONDS.
    """
    seconds = int((settings.JWT_ACCESS_EXPIRY + _MARGIN).total_seconds())
    keys = [cache_key(session_id) for session_id in session_ids]
    if keys and not _try_write(lambda client: _set_all(client, keys, seconds), keys):
        pending_writes.enqueue(keys, marker=REVOKED, seconds=seconds)


def replace_entries(principals: Iterable[Principal]) -> None:
    """Overwrite the entries, so that what was read before the change is not used again. Call after the commit.

    A REVOKED entry stays: a revoked session never becomes active again.
    """
    entries = {cache_key(principal.session_id): encode(principal) for principal in principals}
    if entries and not _try_write(lambda client: _replace_all(client, entries), list(entries)):
        pending_writes.enqueue(entries, marker=STALE, seconds=ACTIVE_ENTRY_SECONDS)


def _set_all(client: Any, keys: Iterable[str], seconds: int) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.set(key, REVOKED, ex=seconds)
        pipeline.execute()


def _replace_all(client: Any, entries: Mapping[str, bytes]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for key, value in entries.items():
            pipeline.eval(_SET_UNLESS_MARKED, 1, key, value, ACTIVE_ENTRY_SECONDS, REVOKED, STALE)
        pipeline.execute()


def _try_write(write: Callable[[Any], None], keys: list[str]) -> bool:
    try:
        execute(lambda client: _write_or_delete(client, write, keys))
    except RedisUnavailable:
        logger.warning("could not write %d session entries to redis", len(keys))
        return False
    return True


def _write_or_delete(client: Any, write: Callable[[Any], None], keys: list[str]) -> None:
    """Delete the entries if they cannot be written: Redis deletes even when it is out of memory."""
    try:
        write(client)
    except ResponseError:
        try:
            client.delete(*keys)
        except ResponseError:
            disconnect_other_clients(client)
            raise
