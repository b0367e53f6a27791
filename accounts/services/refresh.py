"""Exchanges a refresh token for the next pair, and punishes the reuse of a retired one."""

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
    DEAD = auto()


_count_success = REFRESHES.labels("ok").inc


def refresh(*, token: str, client: ClientInfo) -> SignIn:
    """As `_refresh`, and counted by its result."""
    try:
        signed_in = _refresh(token=token, client=client)
    except ApiError as refusal:
        REFRESHES.labels(refusal.code).inc()
        raise
    _count_success()
    return signed_in


def _refresh(*, token: str, client: ClientInfo) -> SignIn:
    """The session's next tokens, by one statement. See `rotation.rotate` for races and lost answers.

    Raises TokenInvalid, TokenExpired, SessionRevoked, RateLimited; RefreshTokenReused once the theft is punished.
    """
    claims = _decoded(token, client)
    limiter.consume(settings.RATE_LIMIT_REFRESH, str(claims.session_id))
    try:
        session = rotation.rotate(presented=presented(claims), client=client)
    except RefreshTokenRetired as retired:
        handle_reuse(retired, client)
        raise RefreshTokenReused from retired
    set_current_identity(user_id=session.user_id, session_id=session.id)
    return SignIn(user=session.user, session=session, tokens=mint_pair(user=session.user, session=session))


def find_session(*, token: str, client: ClientInfo, facts: audit.Facts | None = None) -> Session:
    """Return the session that `refresh` would go on with, without rotating its token. Punishes reuse and raises as `refresh`."""
    claims = session_tokens.decode_refresh(token)
    try:
        return rotation.find_usable(presented(claims))
    except RefreshTokenRetired as retired:
        handle_reuse(retired, client, facts=facts)
        raise RefreshTokenReused from retired


def select_usable_token(candidates: Sequence[str]) -> str:
    """Return the one of several different refresh tokens that is usable, where the others are ours and dead.

    Nothing is punished: a dead token beside a live one was left in a browser when COOKIE_DOMAIN was changed. Raises TokenInvalid
    for a token that is not ours, and where none or more than one is usable.
    """
    if len(candidates) > _MAX_CANDIDATES:
        raise TokenInvalid
    states = {token: _state(token) for token in candidates}
    for wanted in (_State.CURRENT, _State.IN_GRACE):
        usable = [token for token, state in states.items() if state == wanted]
        if usable:
            break
    if len(usable) != 1:
        raise TokenInvalid
    return usable[0]


def _state(token: str) -> _State:
    """Raises TokenInvalid for a token that is not ours."""
    try:
        claims = session_tokens.decode_refresh(token)
        session = rotation.find_usable(presented(claims))
    except (TokenExpired, SessionRevoked, RefreshTokenRetired):
        return _State.DEAD
    return _State.CURRENT if session.refresh_jti == claims.jti else _State.IN_GRACE


def presented(claims: Claims) -> PresentedToken:
    return PresentedToken(
        session_id=claims.session_id,
        user_id=claims.user_id,
        jti=claims.jti,
        expires_at=datetime.fromtimestamp(claims.expires_at, UTC),
    )


def _decoded(token: str, client: ClientInfo) -> Claims:
    """What is no token of ours has no session by which it could be limited."""
    try:
        return session_tokens.decode_refresh(token)
    except TokenInvalid:
        by_ip.consume(settings.RATE_LIMIT_BAD_TOKENS, client.ip)
        raise


def handle_reuse(retired: RefreshTokenRetired, client: ClientInfo, *, facts: audit.Facts | None = None) -> None:
    """Committed before the error is raised (RFC 9700 §4.14.2). Raises SessionRevoked if another call ended the session first.

    The user's row is locked first, as everybody does who locks both: a deletion that holds it waits for the session.
    """
    with transaction.atomic():
        owner = User.objects.select_for_update().filter(id=retired.user_id).first()
        is_first = sessions.revoke(session_id=retired.session_id, reason=RevokedReason.REFRESH_REUSED)
        if owner is not None and is_first:
            outbox.refresh_token_reused(owner, client)
            audit.record(AuditKind.REFRESH_TOKEN_REUSED, user_id=owner.id, session_id=retired.session_id, facts=facts)
    if not is_first:
        raise SessionRevoked
    logger.warning("refresh token reused: session %s of user %s has been ended", retired.session_id, retired.user_id)
