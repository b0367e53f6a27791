"""All that is known of a session, for whoever supports its owner. No secret is in it, and nothing to make a token of."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.models import AuditEvent, User
from accounts.services.diagnostics import revoking_events
from core.api.exceptions import NotFound
from core.redis.client import RedisAway, ask
from sessions_tracking.models import Session
from sessions_tracking.principal_cache.entries import REVOKED, STALE, cache_key, decode

AWAY = "unknown, since Redis is away"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """`deed` ended it, `actor` did that; `in_redis` says in words what the processes find there."""

    session: Session
    user: User
    state: str
    deed: AuditEvent | None
    actor: User | None
    in_redis: str


def of(session_id: uuid.UUID) -> SessionReport:
    """Raises NotFound."""
    session = Session.objects.select_related("user").filter(id=session_id).first()
    if session is None:
        raise NotFound
    deed = revoking_events.deed_behind(session)
    actor = User.objects.filter(id=deed.actor_id).first() if deed and deed.actor_id else None
    user: Any = session.user
    return SessionReport(
        session=session, user=user, state=state_of(session), deed=deed, actor=actor, in_redis=_in_redis(session_id)
    )


def state_of(session: Session) -> str:
    """One word. What expired was ended by nobody: it was not refreshed in time, or was as old as a session may be."""
    if session.revoked_at is not None:
        return "ended"
    return "active" if session.expires_at > datetime.now(UTC) else "expired"


def _in_redis(session_id: uuid.UUID) -> str:
    try:
        found, seconds = ask(lambda client: (client.get(cache_key(session_id)), client.ttl(cache_key(session_id))))
    except RedisAway:
        return AWAY
    if not found:
        return "nothing: the next request asks the database"
    if found == REVOKED:
        return f"the mark that it is over, for {seconds} s more"
    if found == STALE:
        return f"the mark that rights changed, for {seconds} s more: the next request asks the database"
    principal = decode(found, session_id)
    if principal is None:
        return "something that is not ours: requests ask the database"
    return f"an entry for {principal.username}, {principal.role}, for {seconds} s more"
