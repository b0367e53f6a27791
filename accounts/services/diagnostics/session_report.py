"""Reports everything known about a session, without any secret; finds the audit event that ended it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import AuditEvent, AuditKind, User
from core.api.exceptions import NotFound
from core.redis.client import RedisUnavailable, execute
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal_cache.entries import REVOKED, STALE, cache_key, decode

REDIS_UNAVAILABLE = "unknown: Redis is unavailable"

# The revocation and its event are in one transaction, which may have waited for a lock between the two.
_MAX_DISTANCE = timedelta(minutes=1)
_EVENT_KINDS: dict[str, tuple[AuditKind, ...]] = {
    RevokedReason.LOGOUT: (AuditKind.LOGOUT, AuditKind.SESSION_REVOKED),
    RevokedReason.LOGOUT_ALL: (AuditKind.LOGOUT_ALL,),
    RevokedReason.SESSION_DELETED: (AuditKind.SESSION_REVOKED,),
    RevokedReason.PASSWORD_CHANGED: (AuditKind.PASSWORD_CHANGED, AuditKind.USER_CHANGED),
    RevokedReason.PASSWORD_RESET: (AuditKind.PASSWORD_RESET,),
    RevokedReason.REFRESH_REUSED: (AuditKind.REFRESH_TOKEN_REUSED,),
    RevokedReason.EMAIL_CHANGE_UNDONE: (AuditKind.EMAIL_CHANGE_UNDONE,),
    RevokedReason.TAKEN_OVER: (AuditKind.EMAIL_VERIFIED, AuditKind.PASSWORD_RESET),
    RevokedReason.TOO_MANY_SESSIONS: (AuditKind.LOGIN,),
    RevokedReason.ACCOUNT_DEACTIVATED: (AuditKind.USER_DEACTIVATED,),
    RevokedReason.ACCOUNT_DELETED: (AuditKind.ACCOUNT_DELETED,),
    RevokedReason.ADMIN: (AuditKind.SESSIONS_REVOKED, AuditKind.SESSION_REVOKED),
    RevokedReason.SERVICE: (AuditKind.SESSION_REVOKED,),
}
_ALL_KINDS = tuple(
    {kind for kinds in _EVENT_KINDS.values() for kind in kinds}
    - {AuditKind.LOGIN, AuditKind.USER_CHANGED, AuditKind.EMAIL_VERIFIED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """`revoking_event` ended the session, and `actor` caused it; `in_redis` describes the session's cache entry."""

    session: Session
    user: User
    state: str
    revoking_event: AuditEvent | None
    actor: User | None
    in_redis: str


def get_report(session_id: uuid.UUID) -> SessionReport:
    """Raise NotFound if there is no such session."""
    session = Session.objects.select_related("user").filter(id=session_id).first()
    if session is None:
        raise NotFound
    event = get_revoking_event(session)
    user: Any = session.user
    return SessionReport(
        session=session,
        user=user,
        state=get_state(session),
        revoking_event=event,
        actor=User.objects.filter(id=event.actor_id).first() if event and event.actor_id else None,
        in_redis=_describe_cache_entry(session_id),
    )


def get_state(session: Session) -> str:
    """Return "active", "ended" (revoked) or "expired" (not refreshed in time, or at its maximum age)."""
    if session.revoked_at is not None:
        return "ended"
    return "active" if session.expires_at > datetime.now(UTC) else "expired"


def get_revoking_event(session: Session) -> AuditEvent | None:
    """Return the event that ended the session, or None if it was not revoked or the audit no longer has the event."""
    if session.revoked_at is None:
        return None
    revoked_at = session.revoked_at
    kinds = _EVENT_KINDS.get(session.revoked_reason, _ALL_KINDS)
    events = _events(session.user_id, session.id, kinds).filter(
        created_at__range=(revoked_at - _MAX_DISTANCE, revoked_at + _MAX_DISTANCE)
    )
    return min(events, key=lambda event: abs(event.created_at - revoked_at), default=None)


def latest_revoking_event(*, user_id: uuid.UUID, session_id: uuid.UUID, before: datetime) -> AuditEvent | None:
    """Return the event that most likely ended a deleted session: the user's latest event of such a kind."""
    return _events(user_id, session_id, _ALL_KINDS).filter(created_at__lte=before).order_by("-created_at").first()


def _events(user_id: uuid.UUID, session_id: uuid.UUID, kinds: Sequence[AuditKind]) -> QuerySet[AuditEvent]:
    """Leave out events that ended another session only. A sign-in or a new password names one session and ends others."""
    related = Q(session_id=session_id) | Q(session_id=None) | Q(kind__in=(AuditKind.LOGIN, AuditKind.PASSWORD_CHANGED))
    return AuditEvent.objects.filter(related, user_id=user_id, kind__in=kinds)


def _describe_cache_entry(session_id: uuid.UUID) -> str:
    try:
        entry, seconds = execute(lambda client: (client.get(cache_key(session_id)), client.ttl(cache_key(session_id))))
    except RedisUnavailable:
        return REDIS_UNAVAILABLE
    if not entry:
        return "no entry: the next request reads the database"
    if entry == REVOKED:
        return f"revoked, for {seconds} s more"
    if entry == STALE:
        return f"stale, for {seconds} s more: the next request reads the database"
    principal = decode(entry, session_id)
    if principal is None:
        return "an unreadable entry: requests read the database"
    return f"an entry for {principal.username}, {principal.role}, for {seconds} s more"
