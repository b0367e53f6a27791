"""Revokes a user's sessions at logout, also for a client that has only a refresh token left."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from accounts import audit
from accounts.models import AuditKind, User
from accounts.services import pending_logins, refresh
from core.api.exceptions import NotFound, Unauthorized
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal


def principal_for_refresh_token(*, refresh_token: str, client: ClientInfo) -> Principal | None:
    """Return the principal of a refresh token that `refresh` would accept, else None.

    A retired token past its grace period is handled as reuse, as in `refresh`: its session is revoked.
    """
    try:
        session = refresh.get_session(token=refresh_token, client=client)
    except Unauthorized:
        return None
    user = session.user
    return Principal(user.id, user.username, user.role, session.id, session.context)


def log_out(*, principal: Principal) -> None:
    with transaction.atomic():
        if sessions.revoke(session_id=principal.session_id, reason=RevokedReason.LOGOUT):
            _record(AuditKind.LOGOUT, principal, principal.session_id)


def log_out_other(*, principal: Principal, session_id: uuid.UUID | None) -> None:
    """Revoke another session of the user. Raises NotFound for an invalid id and for another user's session."""
    if session_id is None:
        raise NotFound
    _revoke_own(principal, session_id, RevokedReason.LOGOUT)


def revoke_session(*, principal: Principal, session_id: uuid.UUID) -> None:
    """Revoke a session from the user's list of sessions. Raises NotFound for another user's session."""
    _revoke_own(principal, session_id, RevokedReason.SESSION_DELETED)


def _revoke_own(principal: Principal, session_id: uuid.UUID, reason: RevokedReason) -> None:
    """Raise NotFound after the commit: a session that is expired by this node's clock must be revoked all the same."""
    with transaction.atomic():
        try:
            exists, is_first = True, sessions.revoke_own(user_id=principal.id, session_id=session_id, reason=reason)
        except NotFound:
            exists = is_first = False
        if is_first:
            _record(AuditKind.SESSION_REVOKED, principal, session_id)
    if not exists:
        raise NotFound


def log_out_everywhere(*, principal: Principal, except_current: bool) -> int:
    keep = principal.session_id if except_current else None
    with transaction.atomic():
        User.objects.end_admin_sessions(user_id=principal.id)
        revoked = sessions.revoke_all(user_id=principal.id, reason=RevokedReason.LOGOUT_ALL, keep=keep)
        if revoked:
            facts = {"sessionsEnded": revoked}
            audit.record(AuditKind.LOGOUT_ALL, user_id=principal.id, actor_id=principal.id, facts=facts)
    return revoked


def cancel_pending_logins(mfa_tokens: Iterable[str]) -> None:
    """Cancel the logins that wait for a second factor. Tokens of any other kind are ignored."""
    for token in mfa_tokens:
        pending_logins.cancel(token)


def _record(kind: AuditKind, principal: Principal, session_id: uuid.UUID) -> None:
    audit.record(kind, user_id=principal.id, actor_id=principal.id, session_id=session_id)
