"""What a session id stands for: a principal, or nothing any more. Redis remembers it, the database knows it."""

import uuid
from datetime import UTC, datetime

from core.api.exceptions import SessionRevoked
from core.observability.metrics import count_cache_away, count_cache_hit, count_cache_miss
from core.redis.client import RedisAway, RedisRefused, ask, get
from sessions_tracking.models import Session
from sessions_tracking.principal_cache import pending_writes
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS, REVOKED, decode, encode, key_of
from sessions_tracking.principal_cache.entries import Principal as Principal
from sessions_tracking.principal_cache.invalidation import mark_revoked
from sessions_tracking.principal_cache.staleness import Doubt

_NOTHING, _ANOTHER_TYPE = b"", b"?"
_DELETE_IF_STILL = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_LET_LAPSE = "if redis.call('TTL', KEYS[1]) == -1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"
_doubt = Doubt(ACTIVE_ENTRY_SECONDS)


def principal_of(session_id: uuid.UUID) -> Principal:
    """The principal of a live session: one Redis command, or one query where Redis has no answer.

    Raises SessionRevoked where the session is over, its user inactive, or neither known.
    """
    epoch, key = _doubt.current_epoch(), key_of(session_id)
    found = _read(key)
    if found == REVOKED:
        count_cache_hit()
        raise SessionRevoked
    principal = decode(found, session_id) if found else None
    if principal is not None and not _doubt.covers(session_id):
        count_cache_hit()
        return principal
    (count_cache_away if found is None else count_cache_miss)()
    is_cleared = _clear(key, found, is_ours=principal is not None)
    principal = _ask_database(session_id)
    if _remember(principal) and is_cleared:
        _doubt.settle(session_id, epoch=epoch)
    return principal


def _read(key: str) -> bytes | None:
    """What is under the key; None where nobody knows."""
    if pending_writes.holds(key):
        return None
    try:
        return get(key) or _NOTHING
    except RedisRefused:
        return _ANOTHER_TYPE
    except RedisAway:
        return None


def _clear(key: str, found: bytes | None, *, is_ours: bool) -> bool:
    """True if nothing is under the key any more that is older than this moment: only then the database is asked.

    Garbage is left to lapse: it was not ours, so it is not ours to delete, but it must not keep the entry out for ever.
    """
    if not found:
        return found == _NOTHING
    script = _DELETE_IF_STILL if is_ours else _LET_LAPSE
    try:
        ask(lambda client: client.eval(script, 1, key, found, ACTIVE_ENTRY_SECONDS))
    except RedisAway:
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
    key, entry = key_of(principal.session_id), encode(principal)
    try:
        ask(lambda client: client.set(key, entry, nx=True, ex=ACTIVE_ENTRY_SECONDS))
    except RedisAway:
        return False
    return True
