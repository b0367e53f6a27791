"""What a session id stands for: a principal, or nothing any more. Redis remembers it, the database knows it."""

import uuid
from datetime import UTC, datetime

from core.api.exceptions import SessionRevoked
from core.redis.client import RedisRejected, RedisUnavailable, execute, get
from sessions_tracking.metrics import count_cache_hit, count_cache_miss, count_cache_unavailable
from sessions_tracking.models import Session
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache import pending_writes
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS, REVOKED, cache_key, decode, encode
from sessions_tracking.principal_cache.invalidation import mark_revoked
from sessions_tracking.principal_cache.staleness import StaleCacheGuard

_MISSING, _WRONG_TYPE = b"", b"?"
_DELETE_IF_UNCHANGED = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_SET_TTL_IF_MISSING = "if redis.call('TTL', KEYS[1]) == -1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"
_doubt = StaleCacheGuard(ACTIVE_ENTRY_SECONDS)


def get_principal(session_id: uuid.UUID) -> Principal:
    """The principal of a live session: one Redis command, or one query where Redis has no answer.

    Raises SessionRevoked where the session is over, its user inactive, or neither known.
    """
    epoch, key = _doubt.generation(), cache_key(session_id)
    found = _read(key)
    if found == REVOKED:
        count_cache_hit()
        raise SessionRevoked
    principal = decode(found, session_id) if found else None
    if principal is not None and not _doubt.must_revalidate(session_id):
        count_cache_hit()
        return principal
    (count_cache_unavailable if found is None else count_cache_miss)()
    is_cleared = _evict(key, found, is_ours=principal is not None)
    principal = _ask_database(session_id)
    if _remember(principal) and is_cleared:
        _doubt.mark_revalidated(session_id, epoch=epoch)
    return principal


def _read(key: str) -> bytes | None:
    """What is under the key; None where nobody knows."""
    if pending_writes.is_pending(key):
        return None
    try:
        return get(key) or _MISSING
    except RedisRejected:
        return _WRONG_TYPE
    except RedisUnavailable:
        return None


def _evict(key: str, found: bytes | None, *, is_ours: bool) -> bool:
    """True if nothing is under the key any more that is older than this moment: only then the database is asked.

    Garbage is left to lapse: it was not ours, so it is not ours to delete, but it must not keep the entry out for ever.
    """
    if not found:
        return found == _MISSING
    script = _DELETE_IF_UNCHANGED if is_ours else _SET_TTL_IF_MISSING
    try:
        execute(lambda client: client.eval(script, 1, key, found, ACTIVE_ENTRY_SECONDS))
    except RedisUnavailable:
        return False
    return is_ours


def _ask_database(session_id: uuid.UUID) -> Principal:
    now = datetime.now(UTC)
    row = (
        Session.objects.active(now)
        .filter(id=session_id, user__is_active=True)
        .values_list("user_id", "user__username", "user__role", "second_factor")
        .first()
    )
    if row is None:
        mark_revoked([session_id])
        raise SessionRevoked
    return Principal(id=row[0], username=row[1], role=row[2], session_id=session_id, second_factor=row[3])


def _remember(principal: Principal) -> bool:
    """NX: what a revocation wrote since our read of the database must not be overwritten by what we read. True if asked."""
    key, entry = cache_key(principal.session_id), encode(principal)
    try:
        execute(lambda client: client.set(key, entry, nx=True, ex=ACTIVE_ENTRY_SECONDS))
    except RedisUnavailable:
        return False
    return True
