"""Introspects tokens for service clients, and revokes their sessions."""

from dataclasses import dataclass

from django.db import transaction

from accounts import audit
from accounts.models import AuditKind, ServiceClient
from accounts.services import refresh
from accounts.services.login import verify_token
from accounts.tokens import session_tokens
from accounts.tokens.session_tokens import Claims
from core.api.exceptions import SessionRevoked, TokenExpired, TokenInvalid, Unauthorized
from sessions_tracking import rotation
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.exceptions import RefreshTokenRetired
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache.lookup import get_principal

ACCESS, REFRESH = "access_token", "refresh_token"  # the names of RFC 7009 §2.1
_DECODERS = ((ACCESS, session_tokens.decode_access), (REFRESH, session_tokens.decode_refresh))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveToken:
    """`use` is ACCESS or REFRESH. Username and role come from the database, never from the claims."""

    use: str
    claims: Claims
    principal: Principal


def introspect(*, token: str) -> ActiveToken | None:
    """Return None for an inactive token, whatever the reason (RFC 7662 §2.2).

    Both kinds of token are tried, whatever the hint. A retired refresh token is inactive, even in its grace period.
    Introspecting it does not use it, so it is not treated as reuse.
    """
    decoded = _decode(token)
    if decoded is None:
        return None
    use, claims = decoded
    try:
        principal = get_principal(claims.session_id)
    except SessionRevoked:
        return None
    if principal.id != claims.user_id or (use == REFRESH and not _is_current(claims)):
        return None
    return ActiveToken(use=use, claims=claims, principal=principal)


def revoke(*, token: str, client: ServiceClient, source: ClientInfo) -> None:
    """Revoke the session of an access or refresh token; ignore any other token (RFC 7009 §2.2).

    A retired refresh token past its grace period is handled as reuse. `source` describes the service's request.
    """
    decoded = _decode(token)
    if decoded is None:
        return
    (use, claims), facts = decoded, {"client": str(client.id), "clientName": client.name}
    try:
        if use == REFRESH:
            refresh.get_session(token=token, client=source, facts=facts)
        else:
            verify_token(token)
    except Unauthorized:
        return
    with transaction.atomic():
        if sessions.revoke(session_id=claims.session_id, reason=RevokedReason.SERVICE):
            audit.record(AuditKind.SESSION_REVOKED, user_id=claims.user_id, session_id=claims.session_id, facts=facts)


def _decode(token: str) -> tuple[str, Claims] | None:
    for use, decode in _DECODERS:
        try:
            return use, decode(token)
        except (TokenInvalid, TokenExpired):
            continue
    return None


def _is_current(claims: Claims) -> bool:
    try:
        return rotation.get_session(refresh.presented_token(claims)).refresh_jti == claims.jti
    except (Unauthorized, RefreshTokenRetired):
        return False
