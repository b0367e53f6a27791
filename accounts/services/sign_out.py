"""Signs people out, also when all they have left is a refresh token or nothing at all."""

import uuid

from accounts import tokens
from config.api.exceptions import NotFound, SessionRevoked, TokenExpired, TokenInvalid
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal_cache import Principal, principal_of


def holder_of(refresh_token: str | None) -> Principal | None:
    """Who holds a refresh token of a live session. A retired one will do: it may at least end its session."""
    try:
        return principal_of(tokens.decode_refresh(refresh_token).session_id) if refresh_token else None
    except (TokenInvalid, TokenExpired, SessionRevoked):
        return None


def log_out(*, session_id: uuid.UUID) -> None:
    sessions.revoke(session_id=session_id, reason=RevokedReason.LOGOUT)


def log_out_other(*, principal: Principal, session_id: uuid.UUID | None) -> None:
    """Ends the caller's session of that id; NotFound for anybody else's, and for an id that is none."""
    if session_id is None:
        raise NotFound
    sessions.revoke_own(user_id=principal.id, session_id=session_id, reason=RevokedReason.LOGOUT)


def log_out_everywhere(*, principal: Principal, except_current: bool) -> int:
    keep = principal.session_id if except_current else None
    return sessions.revoke_all(user_id=principal.id, reason=RevokedReason.LOGOUT_ALL, keep=keep)
