"""Signs people out, also when all they have left is a refresh token or nothing at all."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts import audit
from accounts.mfa.flows import challenges
from accounts.models import AuditKind, User
from accounts.services import refresh
from core.api.exceptions import NotFound, Unauthorized
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal


def session_for_refresh_token(*, refresh_token: str, client: ClientInfo) -> Principal | None:
    """Return who may sign out with this refresh token: one that `refresh` would take, or None.

    A retired one past its grace is theft, as it is there: its session is revoked, and nothing is left to sign out of.
    """
    try:
        session = refresh.find_session(token=refresh_token, client=client)
    except Unauthorized:
        return None
    user = session.user
    return Principal(user.id, user.username, user.role, session.id, session.second_factor)


def log_out(*, principal: Principal) -> None:
    with transaction.atomic():
        if sessions.revoke(session_id=principal.session_id, reason=RevokedReason.LOGOUT):
            _record(AuditKind.LOGOUT, principal, principal.session_id)


def log_out_other(*, principal: Principal, session_id: uuid.UUID | None) -> None:
    """Ends the caller's session of that id; NotFound for anybody else's, and for an id that is none."""
    if session_id is None:
        raise NotFound
    _end_own(principal, session_id, RevokedReason.LOGOUT)


def end_session(*, principal: Principal, session_id: uuid.UUID) -> None:
    """Ends one of the caller's sessions, from their list of them. Raises NotFound for anybody else's."""
    _end_own(principal, session_id, RevokedReason.SESSION_DELETED)


def _end_own(principal: Principal, session_id: uuid.UUID, reason: RevokedReason) -> None:
    """Not found is told only after the commit: a session that is over by this node's clock ends for all nodes all the same."""
    with transaction.atomic():
        try:
            is_found, is_first = True, sessions.revoke_own(user_id=principal.id, session_id=session_id, reason=reason)
        except NotFound:
            is_found = is_first = False
        if is_first:
            _record(AuditKind.SESSION_REVOKED, principal, session_id)
    if not is_found:
        raise NotFound


def log_out_everywhere(*, principal: Principal, except_current: bool) -> int:
    keep = principal.session_id if except_current else None
    with transaction.atomic():
        User.objects.end_admin_sessions(user_id=principal.id)
        ended = sessions.revoke_all(user_id=principal.id, reason=RevokedReason.LOGOUT_ALL, keep=keep)
        if ended:
            facts = {"sessionsEnded": ended}
            audit.record(AuditKind.LOGOUT_ALL, user_id=principal.id, actor_id=principal.id, facts=facts)
    return ended


def cancel_pending_logins(mfa_tokens: Iterable[str]) -> None:
    """Ends the sign-ins that wait for their second factor, of those tokens that stand for one."""
    for token in mfa_tokens:
        challenges.abandon(token)


def _record(kind: AuditKind, principal: Principal, session_id: uuid.UUID) -> None:
    audit.record(kind, user_id=principal.id, actor_id=principal.id, session_id=session_id)
