"""What a session id stands for: a principal, or nothing any more. Redis remembers it, the database knows it."""

import json
import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from config.api.exceptions import SessionRevoked
from config.ids import parse_id
from config.redis import RedisAway, ask
from sessions_tracking.models import Session

logger = logging.getLogger(__name__)

# How long a process that could not be told of a revocation may still believe what it read before.
ACTIVE_ENTRY_SECONDS = 30
_REVOKED = b'{"revoked": true}'
_MARGIN = timedelta(minutes=1)
_SET_UNLESS_REVOKED = """
if redis.call('GET', KEYS[1]) ~= ARGV[3] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request acts for. Stands in for `request.user` without a query; `id` is the user's."""

    id: uuid.UUID
    username: str
    role: str
    session_id: uuid.UUID
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True

    @property
    def pk(self) -> uuid.UUID:
        return self.id


def principal_of(session_id: uuid.UUID) -> Principal:
    """The principal of a live session: one Redis command, or one query where Redis has no answer.

    Raises SessionRevoked where the session is over, its user inactive, or neither known.
    """
    entry = _read(session_id)
    if entry is None:
        return _read_through(session_id)
    if "revoked" in entry:
        raise SessionRevoked
    return Principal(id=uuid.UUID(entry["user"]), username=entry["username"], role=entry["role"], session_id=session_id)


def mark_revoked(session_ids: Iterable[uuid.UUID]) -> None:
    """Call after the commit. Overwrites whatever is there, and outlives every access token and every racing reader.

    Without memory left Redis still deletes, and a missing entry sends the reader to the database. Where Redis is away,
    what it holds of the sessions lapses within ACTIVE_ENTRY_SECONDS.
    """
    seconds = int((settings.JWT_ACCESS_EXPIRY + _MARGIN).total_seconds())
    _write({_key(session_id): _REVOKED for session_id in session_ids}, seconds)


def overwrite(principals: Iterable[Principal]) -> None:
    """Call after the commit of a change of name, role or activity: what was read before it must not come back.

    An entry that says `revoked` stays: a session that ended does not begin again.
    """
    entries = {_key(principal.session_id): _encode(principal) for principal in principals}
    _write(entries, ACTIVE_ENTRY_SECONDS, unless_revoked=True)


def _write(entries: Mapping[str, bytes], seconds: int, *, unless_revoked: bool = False) -> None:
    """What cannot be written is deleted instead, which Redis does without memory left too."""
    if not entries:
        return
    try:
        ask(lambda client: _set_all(client, entries, seconds, unless_revoked=unless_revoked))
    except RedisAway:
        logger.warning("could not write %d session entries to redis", len(entries))
        _forget(list(entries))


def _set_all(client: Any, entries: Mapping[str, bytes], seconds: int, *, unless_revoked: bool) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for key, value in entries.items():
            if unless_revoked:
                pipeline.eval(_SET_UNLESS_REVOKED, 1, key, value, seconds, _REVOKED)
            else:
                pipeline.set(key, value, ex=seconds)
        pipeline.execute()


def _forget(keys: list[str]) -> None:
    try:
        ask(lambda client: client.delete(*keys))
    except RedisAway:
        return


def _key(session_id: uuid.UUID) -> str:
    return f"vestibule:session:{session_id}"


def _encode(principal: Principal) -> bytes:
    return json.dumps({"user": str(principal.id), "username": principal.username, "role": principal.role}).encode()


def _read(session_id: uuid.UUID) -> dict[str, Any] | None:
    """The entry, or None for a miss, for an absent Redis and for anything we did not write."""
    try:
        raw = ask(lambda client: client.get(_key(session_id)))
        entry = json.loads(raw) if raw else None
    except (RedisAway, ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and ("revoked" in entry or _names_somebody(entry)) else None


def _names_somebody(entry: Mapping[str, Any]) -> bool:
    return parse_id(entry.get("user")) is not None and all(
        isinstance(entry.get(key), str) for key in ("username", "role")
    )


def _read_through(session_id: uuid.UUID) -> Principal:
    now = datetime.now(UTC)
    row = (
        Session.objects.active(now)
        .filter(id=session_id, user__is_active=True)
        .values_list("user_id", "user__username", "user__role")
        .first()
    )
    if row is None:
        mark_revoked([session_id])
        raise SessionRevoked
    principal = Principal(id=row[0], username=row[1], role=row[2], session_id=session_id)
    _remember(principal)
    return principal


def _remember(principal: Principal) -> None:
    """NX: what a revocation wrote since our read of the database must not be overwritten by what we read."""
    try:
        ask(lambda client: client.set(_key(principal.session_id), _encode(principal), nx=True, ex=ACTIVE_ENTRY_SECONDS))
    except RedisAway:
        return
