"""Tells Redis, after a commit, which sessions ended and whose rights changed; what it does not hear is kept for later."""

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
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[3] and held ~= ARGV[4] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


def mark_revoked(session_ids: Iterable[uuid.UUID]) -> None:
    """Call after the commit. Overwrites whatever is there, and outlives every access token and every racing reader.

    Without memory left Redis still deletes, and a missing entry sends the reader to the database. Where Redis is away,
    this process refuses the sessions by itself, and tells Redis when it is back; should this process die before, what Redis
    holds of them lapses within ACTIVE_ENTRY_SECONDS.
    """
    seconds = int((settings.JWT_ACCESS_EXPIRY + _MARGIN).total_seconds())
    keys = [cache_key(session_id) for session_id in session_ids]
    if keys and not _try_write(lambda client: _set_all(client, keys, seconds), keys):
        pending_writes.enqueue(keys, mark=REVOKED, seconds=seconds)


def replace_entries(principals: Iterable[Principal]) -> None:
    """Call after the commit of a change of name, role or activity: what was read before it must not come back.

    An entry that says `revoked` stays: a session that ended does not begin again.
    """
    entries = {cache_key(principal.session_id): encode(principal) for principal in principals}
    if entries and not _try_write(lambda client: _replace_all(client, entries), list(entries)):
        pending_writes.enqueue(entries, mark=STALE, seconds=ACTIVE_ENTRY_SECONDS)


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
    """What cannot be written is deleted instead, which Redis does without memory left too."""
    try:
        write(client)
    except ResponseError:
        try:
            client.delete(*keys)
        except ResponseError:
            disconnect_other_clients(client)
            raise
