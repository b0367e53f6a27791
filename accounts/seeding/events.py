"""Made-up security events, of some of the sessions: enough for the audit to look lived in, however many users there are."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from accounts.models import AuditEvent, AuditKind, User
from accounts.seeding.seeded_random import Chance
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason, Session

_FAILED_BEFORE = 0.12
_KIND_OF = {
    RevokedReason.LOGOUT: AuditKind.LOGOUT,
    RevokedReason.LOGOUT_ALL: AuditKind.LOGOUT_ALL,
    RevokedReason.SESSION_DELETED: AuditKind.SESSION_REVOKED,
    RevokedReason.PASSWORD_CHANGED: AuditKind.PASSWORD_CHANGED,
    RevokedReason.REFRESH_REUSED: AuditKind.REFRESH_TOKEN_REUSED,
    RevokedReason.ACCOUNT_DEACTIVATED: AuditKind.USER_DEACTIVATED,
    RevokedReason.ADMIN: AuditKind.SESSIONS_REVOKED,
}
_OF_NO_SESSION = {AuditKind.LOGOUT_ALL, AuditKind.USER_DEACTIVATED, AuditKind.SESSIONS_REVOKED}
_NOT_BY_ITS_OWNER = {AuditKind.REFRESH_TOKEN_REUSED, AuditKind.USER_DEACTIVATED, AuditKind.SESSIONS_REVOKED}


def events_of(session: Session, user: User, chance: Chance) -> Iterator[AuditEvent]:
    """That it began, perhaps with a wrong password first; and how it ended."""
    if chance.is_so(_FAILED_BEFORE):
        before = session.created_at - timedelta(seconds=20)
        yield _event(AuditKind.LOGIN_FAILED, before, session, chance, facts={"reason": "wrong_password"})
    facts: dict[str, str | int | bool] = {"newDevice": False, "secondFactor": False, "sessionsEnded": 0}
    yield _event(AuditKind.LOGIN, session.created_at, session, chance, facts=facts)
    if session.revoked_at is not None:
        kind = _KIND_OF[RevokedReason(session.revoked_reason)]
        facts = {"reason": user.deactivation_reason} if kind == AuditKind.USER_DEACTIVATED else {}
        yield _event(kind, session.revoked_at, session, chance, facts=facts)


def _event(
    kind: AuditKind, moment: datetime, session: Session, chance: Chance, *, facts: dict[str, str | int | bool]
) -> AuditEvent:
    is_attempt = kind == AuditKind.LOGIN_FAILED
    is_theirs = not is_attempt and kind not in _NOT_BY_ITS_OWNER
    return AuditEvent(
        id=chance.id_of(moment),
        kind=kind,
        user_id=session.user_id,
        actor_id=session.user_id if is_theirs else None,
        session_id=None if is_attempt or kind in _OF_NO_SESSION else session.id,
        ip=session.ip,
        device=_label(session),
        request_id=_request_id(chance.id_of(moment)),
        facts=facts,
        created_at=moment,
    )


def _label(session: Session) -> str:
    return ClientInfo(
        ip=session.ip, user_agent=session.user_agent, device=session.device, browser=session.browser,
        os=session.os, platform=session.platform, location=session.location,
    ).label  # fmt: skip


def _request_id(made: uuid.UUID) -> str:
    return made.hex
