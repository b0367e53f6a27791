"""How a session ended, as the audit tells it: for whoever has to explain it to its owner."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts.models import AuditEvent, AuditKind
from sessions_tracking.models import RevokedReason, Session

# The session ends and the event is written in one transaction, which may have waited for a lock between the two.
_APART = timedelta(minutes=1)
_KINDS: dict[str, tuple[AuditKind, ...]] = {
    RevokedReason.LOGOUT: (AuditKind.LOGOUT, AuditKind.SESSION_REVOKED),
    RevokedReason.LOGOUT_ALL: (AuditKind.LOGOUT_ALL,),
    RevokedReason.SESSION_DELETED: (AuditKind.SESSION_REVOKED,),
    RevokedReason.PASSWORD_CHANGED: (AuditKind.PASSWORD_CHANGED, AuditKind.USER_CHANGED),
    RevokedReason.PASSWORD_RESET: (AuditKind.PASSWORD_RESET,),
    RevokedReason.REFRESH_REUSED: (AuditKind.REFRESH_TOKEN_REUSED,),
    RevokedReason.EMAIL_CHANGE_UNDONE: (AuditKind.EMAIL_CHANGE_UNDONE,),
    RevokedReason.TOO_MANY_SESSIONS: (AuditKind.LOGIN,),
    RevokedReason.ACCOUNT_DEACTIVATED: (AuditKind.USER_DEACTIVATED,),
    RevokedReason.ACCOUNT_DELETED: (AuditKind.ACCOUNT_DELETED,),
    RevokedReason.ADMIN: (AuditKind.SESSIONS_REVOKED, AuditKind.SESSION_REVOKED),
    RevokedReason.SERVICE: (AuditKind.SESSION_REVOKED,),
}
_ALL = tuple({kind for kinds in _KINDS.values() for kind in kinds} - {AuditKind.LOGIN, AuditKind.USER_CHANGED})


def deed_behind(session: Session) -> AuditEvent | None:
    """The event that ended the session; None while it goes on, and where the audit has forgotten."""
    if session.revoked_at is None:
        return None
    kinds = _KINDS.get(session.revoked_reason, _ALL)
    near = (session.revoked_at - _APART, session.revoked_at + _APART)
    found = _events(session.user_id, session.id, kinds).filter(created_at__range=near)
    moment = session.revoked_at
    return min(found, key=lambda event: abs(event.created_at - moment), default=None)


def last_deed(*, user_id: uuid.UUID, session_id: uuid.UUID, before: datetime) -> AuditEvent | None:
    """What most likely ended a session whose row is gone: the last such event of its user."""
    return _events(user_id, session_id, _ALL).filter(created_at__lte=before).order_by("-created_at").first()


def _events(user_id: uuid.UUID, session_id: uuid.UUID, kinds: Sequence[AuditKind]) -> QuerySet[AuditEvent]:
    """An event that names another session was that one's, unless it ended the rest: a sign-in, or another password."""
    of_it = Q(session_id=session_id) | Q(session_id=None) | Q(kind__in=(AuditKind.LOGIN, AuditKind.PASSWORD_CHANGED))
    return AuditEvent.objects.filter(of_it, user_id=user_id, kind__in=kinds)
