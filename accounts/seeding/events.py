"""Generates audit events of some of the sessions: enough for a realistic audit, however many users there are."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from accounts.models import AuditEvent, AuditKind, User
from accounts.seeding.seeded_random import SeededRandom
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason, Session

_FAILED_LOGIN_PROBABILITY = 0.12
_KINDS = {
    RevokedReason.LOGOUT: AuditKind.LOGOUT,
    RevokedReason.LOGOUT_ALL: AuditKind.LOGOUT_ALL,
    RevokedReason.SESSION_DELETED: AuditKind.SESSION_REVOKED,
    RevokedReason.PASSWORD_CHANGED: AuditKind.PASSWORD_CHANGED,
    RevokedReason.REFRESH_REUSED: AuditKind.REFRESH_TOKEN_REUSED,
    RevokedReason.ACCOUNT_DEACTIVATED: AuditKind.USER_DEACTIVATED,
    RevokedReason.ADMIN: AuditKind.SESSIONS_REVOKED,
}
_WITHOUT_SESSION = {AuditKind.LOGOUT_ALL, AuditKind.USER_DEACTIVATED, AuditKind.SESSIONS_REVOKED}
_WITHOUT_ACTOR = {AuditKind.REFRESH_TOKEN_REUSED, AuditKind.USER_DEACTIVATED, AuditKind.SESSIONS_REVOKED}


def session_events(session: Session, user: User, rng: SeededRandom) -> Iterator[AuditEvent]:
    """Yield the login, perhaps a failed one before it, and the end of the session."""
    if rng.chance(_FAILED_LOGIN_PROBABILITY):
        failed_at = session.created_at - timedelta(seconds=20)
        yield _event(AuditKind.LOGIN_FAILED, failed_at, session, rng, facts={"reason": "wrong_password"})
    facts: dict[str, str | int | bool] = {"newDevice": False, "amr": "pwd", "sessionsEnded": 0}
    yield _event(AuditKind.LOGIN, session.created_at, session, rng, facts=facts)
    if session.revoked_at is not None:
        kind = _KINDS[RevokedReason(session.revoked_reason)]
        facts = {"reason": user.deactivation_reason} if kind == AuditKind.USER_DEACTIVATED else {}
        yield _event(kind, session.revoked_at, session, rng, facts=facts)


def _event(
    kind: AuditKind, timestamp: datetime, session: Session, rng: SeededRandom, *, facts: dict[str, str | int | bool]
) -> AuditEvent:
    is_failure = kind == AuditKind.LOGIN_FAILED
    is_by_user = not is_failure and kind not in _WITHOUT_ACTOR
    return AuditEvent(
        id=rng.uuid7(timestamp),
        kind=kind,
        user_id=session.user_id,
        actor_id=session.user_id if is_by_user else None,
        session_id=None if is_failure or kind in _WITHOUT_SESSION else session.id,
        ip=session.ip,
        device=_label(session),
        request_id=rng.uuid7(timestamp).hex,
        facts=facts,
        created_at=timestamp,
    )


def _label(session: Session) -> str:
    return ClientInfo(
        ip=session.ip, user_agent=session.user_agent, device=session.device, browser=session.browser,
        os=session.os, platform=session.platform, location=session.location,
    ).label  # fmt: skip
