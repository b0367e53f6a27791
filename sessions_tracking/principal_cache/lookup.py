"""Looks up the principal of a session: in Redis first, else in the database."""

import uuid
from datetime import UTC, datetime

from core.api.exceptions import SessionRevoked
from core.redis.client import RedisRejected, RedisUnavailable, execute, get
from sessions_tracking.metrics import count_cache_hit, count_cache_miss, count_cache_unavailable
from sessions_tracking.models import Session
from sessions_tracking.principal import PRINCIPAL_FIELDS, Principal
from sessions_tracking.principal_cache import pending_writes
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS, REVOKED, cache_key, decode, encode
from sessions_tracking.principal_cache.invalidation import mark_revoked
from sessions_tracking.principal_cache.staleness import StaleCacheGuard

_MISSING, _WRONG_TYPE = b"", b"?"
_DELETE_IF_UNCHANGED = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_SET_TTL_IF_MISSING = "if redis.call('TTL', KEYS[1]) == -1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"
_stale_cache_guard = StaleCacheGuard(ACTIVE_ENTRY_SECONDS)


def get_principal(session_id: uuid.UUID) -> Principal:
    """Return the principal of an active session: one Redis command, or one query on a miss.

    Raises SessionRevoked if the session is revoked, expired or unknown, or its user is inactive.
    """
    generation, key = _stale_cache_guard.generation(), cache_key(session_id)
    value = _read(key)
    if value == REVOKED:
        count_cache_hit()
        raise SessionRevoked
    principal = decode(value, session_id) if value else None
    if principal is not None and not _stale_cache_guard.must_revalidate(session_id):
        count_cache_hit()
        return principal
    (count_cache_unavailable if value is None else count_cache_miss)()
    is_evicted = _evict(key, value, is_own_entry=principal is not None)
    principal = _load(session_id)
    if _store(principal) and is_evicted:
        _stale_cache_guard.mark_revalidated(session_id, generation=generation)
    return principal


def _read(key: str) -> bytes | None:
    """Return the value of the key, or None if Redis is unavailable or may be wrong about this key."""
    if pending_writes.is_pending(key):
        return None
    try:
        return get(key) or _MISSING
    except RedisRejected:
        return _WRONG_TYPE
    except RedisUnavailable:
        return None


def _evict(key: str, value: bytes | None, *, is_own_entry: bool) -> bool:
    """Remove the entry; return whether Redis now holds nothing older than the query that follows.

    A value that another program wrote is not deleted, but gets a TTL, so that it cannot keep the entry out for ever.
    """
    if not value:
        return value == _MISSING
    script = _DELETE_IF_UNCHANGED if is_own_entry else _SET_TTL_IF_MISSING
    try:
        execute(lambda client: client.eval(script, 1, key, value, ACTIVE_ENTRY_SECONDS))
    except RedisUnavailable:
        return False
    return is_own_entry


def _load(session_id: uuid.UUID) -> Principal:
    row = (
        Session.objects.active(datetime.now(UTC))
        .filter(id=session_id, user__is_active=True)
        .values_list(*PRINCIPAL_FIELDS)
        .first()
    )
    if row is None:
        mark_revoked([session_id])
        raise SessionRevoked
    return Principal.from_row(row)


def _store(principal: Principal) -> bool:
    """Cache the principal; return False if Redis is unavailable. NX keeps what a revocation wrote after the query."""
    key, entry = cache_key(principal.session_id), encode(principal)
    try:
        execute(lambda client: client.set(key, entry, nx=True, ex=ACTIVE_ENTRY_SECONDS))
    except RedisUnavailable:
        return False
    return True
