"""Exchanges a refresh token for the next token pair, and revokes the session of a reused one."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum, auto

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.exceptions import RefreshTokenReused
from accounts.mail import outbox
from accounts.metrics import REFRESHES
from accounts.models import AuditKind, User
from accounts.services.login import SignIn, mint_pair
from accounts.tokens import session_tokens
from accounts.tokens.session_tokens import Claims
from core.api.exceptions import ApiError, SessionRevoked, TokenExpired, TokenInvalid
from core.observability.request_identity import set_current_identity
from core.throttling import by_ip, limiter
from sessions_tracking import rotation
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.exceptions import RefreshTokenRetired
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.rotation import PresentedToken

logger = logging.getLogger(__name__)

_MAX_CANDIDATES = 3  # on this host, on COOKIE_DOMAIN, and on what COOKIE_DOMAIN was before


class _State(Enum):
    CURRENT = auto()
    IN_GRACE = auto()
    INVALID = auto()


_count_success = REFRESHES.labels("ok").inc


def refresh(*, token: str, client: ClientInfo) -> SignIn:
    """Rotate the token with one statement and return the session's next tokens. Counts the result.

    `rotation.rotate` describes races and lost responses. Raises TokenInvalid, TokenExpired, SessionRevoked and RateLimited;
    RefreshTokenReused once the session of a reused token is revoked.
    """
    try:
        sign_in = _refresh(token=token, client=client)
    except ApiError as error:
        REFRESHES.labels(error.code).inc()
        raise
    _count_success()
    return sign_in


def _refresh(*, token: str, client: ClientInfo) -> SignIn:
    claims = _decode(token, client)
    limiter.consume(settings.RATE_LIMIT_REFRESH, str(claims.session_id))
    try:
        session = rotation.rotate(presented=presented_token(claims), client=client)
    except RefreshTokenRetired as retired:
        handle_reuse(retired, client)
        raise RefreshTokenReused from retired
    set_current_identity(user_id=session.user_id, session_id=session.id)
    return SignIn(user=session.user, session=session, tokens=mint_pair(user=session.user, session=session))


def get_session(*, token: str, client: ClientInfo, facts: audit.Facts | None = None) -> Session:
    """Return the session of the token without rotating it. Handles reuse and raises as `refresh`."""
    claims = session_tokens.decode_refresh(token)
    try:
        return rotation.get_session(presented_token(claims))
    except RefreshTokenRetired as retired:
        handle_reuse(retired, client, facts=facts)
        raise RefreshTokenReused from retired


def select_usable_token(candidates: Sequence[str]) -> str:
    """Return the only usable one of several refresh tokens, if this service issued them all.

    Reuse is not handled: a retired token beside a usable one remains in browsers when COOKIE_DOMAIN changes. Raises
    TokenInvalid if a token has no valid signature, or if not exactly one is usable.
    """
    if len(candidates) > _MAX_CANDIDATES:
        raise TokenInvalid
    states = {token: _state(token) for token in candidates}
    for usable_state in (_State.CURRENT, _State.IN_GRACE):
        usable = [token for token, state in states.items() if state == usable_state]
        if usable:
            break
    if len(usable) != 1:
        raise TokenInvalid
    return usable[0]


def _state(token: str) -> _State:
    """Raises TokenInvalid for a token without a valid signature."""
    try:
        claims = session_tokens.decode_refresh(token)
        session = rotation.get_session(presented_token(claims))
    except (TokenExpired, SessionRevoked, RefreshTokenRetired):
        return _State.INVALID
    return _State.CURRENT if session.refresh_jti == claims.jti else _State.IN_GRACE


def presented_token(claims: Claims) -> PresentedToken:
    return PresentedToken(
        session_id=claims.session_id,
        user_id=claims.user_id,
        jti=claims.jti,
        expires_at=datetime.fromtimestamp(claims.expires_at, UTC),
    )


def _decode(token: str, client: ClientInfo) -> Claims:
    """Limit invalid tokens by IP: they have no session by which to limit them."""
    try:
        return session_tokens.decode_refresh(token)
    except TokenInvalid:
        by_ip.consume(settings.RATE_LIMIT_BAD_TOKENS, client.ip)
        raise


def handle_reuse(retired: RefreshTokenRetired, client: ClientInfo, *, facts: audit.Facts | None = None) -> None:
    """Revoke the session, notify its owner and commit before the caller raises (RFC 9700 §4.14.2).

    Raises SessionRevoked if another call revoked the session first. Locks the user before the session, as all code does that
    locks both: a deletion that holds the user's row waits for the session.
    """
    with transaction.atomic():
        owner = User.objects.select_for_update().filter(id=retired.user_id).first()
        is_first = sessions.revoke(session_id=retired.session_id, reason=RevokedReason.REFRESH_REUSED)
        if owner is not None and is_first:
            outbox.refresh_token_reused(owner, client)
            audit.record(AuditKind.REFRESH_TOKEN_REUSED, user_id=owner.id, session_id=retired.session_id, facts=facts)
    if not is_first:
        raise SessionRevoked
    logger.warning("refresh token reused: revoked session %s of user %s", retired.session_id, retired.user_id)
