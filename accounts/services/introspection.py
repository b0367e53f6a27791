"""Tells services what a token is worth at this moment, and ends its session where they ask for it."""

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

ACCESS, REFRESH = "access_token", "refresh_token"  # as RFC 7009 §2.1 calls them
_DECODERS = ((ACCESS, session_tokens.decode_access), (REFRESH, session_tokens.decode_refresh))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveToken:
    """`use` is ACCESS or REFRESH; name and role are the database's, never the claims'."""

    use: str
    claims: Claims
    principal: Principal


def introspect(*, token: str) -> ActiveToken | None:
    """None for a token that nothing can be done with any more, whatever the reason (RFC 7662 §2.2).

    Whatever the hint, both kinds are looked for. A retired refresh token is not active, though it may still be in its
    grace; asking about it is no use of it, and so no theft.
    """
    found = _decode(token)
    if found is None:
        return None
    use, claims = found
    try:
        principal = get_principal(claims.session_id)
    except SessionRevoked:
        return None
    if principal.id != claims.user_id or (use == REFRESH and not _is_current(claims)):
        return None
    return ActiveToken(use=use, claims=claims, principal=principal)


def revoke(*, token: str, client: ServiceClient, source: ClientInfo) -> None:
    """Ends the session of an access or refresh token; nothing happens for any other (RFC 7009 §2.2).

    A retired refresh token past its grace is theft, whoever presents it; `source` is where it was presented.
    """
    found = _decode(token)
    if found is None:
        return
    (use, claims), facts = found, {"client": str(client.id), "clientName": client.name}
    try:
        if use == REFRESH:
            refresh.find_session(token=token, client=source, facts=facts)
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
        return rotation.find_usable(refresh.presented(claims)).refresh_jti == claims.jti
    except (Unauthorized, RefreshTokenRetired):
        return False
