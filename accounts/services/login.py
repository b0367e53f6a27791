"""Login with a password, and with a second factor after it; and verification of access tokens."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts import audit, known_devices
from accounts.exceptions import InvalidCredentials
from accounts.mail import outbox
from accounts.models import AuditKind, LoginSurface, User
from accounts.services import credential_check, pending_logins, second_factors
from accounts.services.credential_check import Credentials
from accounts.services.login_record import record_login
from accounts.services.pending_logins import FactorResponse, PendingLoginToken
from accounts.tokens import session_tokens
from accounts.tokens.session_tokens import TokenPair
from core.api.exceptions import TokenInvalid
from sessions_tracking import services as sessions
from sessions_tracking.authentication_context import AssuranceLevel, AuthenticationContext, authenticated_now
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache.lookup import get_principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """`recovery_codes` are those that this sign-in issued, to show once."""

    user: User
    session: Session
    tokens: TokenPair
    recovery_codes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a client requests for its new session. `lifetime` is in seconds; see `sessions.start`."""

    name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    lifetime: int | None = None
    persistent: bool = True


def log_in(
    *, credentials: Credentials, client: ClientInfo, session_options: SessionOptions
) -> SignIn | PendingLoginToken:
    """Check the password and start a session, in at most seven statements; with a second factor, begin a pending login.

    Raises InvalidCredentials, after the same time for every cause; EmailNotVerified, for the correct password only;
    RateLimited and Overloaded, before the password is checked.
    """
    user = credential_check.authenticate(credentials, ip=client.ip)
    return continue_login(user=user, client=client, session_options=session_options, amr=("pwd",))


def continue_login(
    *, user: User, client: ClientInfo, session_options: SessionOptions, amr: tuple[str, ...]
) -> SignIn | PendingLoginToken:
    """Start a session for a user who has proven a first factor, or begin a pending login if they have a second one.

    Raises as `start_session`.
    """
    if user.mfa_enabled:
        options = asdict(session_options)
        return pending_logins.begin(user=user, surface=LoginSurface.API, amr=amr, session_options=options)
    with transaction.atomic():
        return start_session(user=user, client=client, session_options=session_options, context=authenticated_now(*amr))


def complete_login(
    *, token: str, response: FactorResponse, client: ClientInfo, session_options: Mapping[str, Any]
) -> SignIn:
    """Complete the pending login of the token, and start the session that its client requested.

    `session_options` are fields of SessionOptions that replace those of the first request.
    Raises TokenInvalid, TokenExpired, InvalidCredentials; the factor's error and TooManyWrongCodes, once the attempt is counted.
    """
    return pending_logins.complete(
        token=token,
        surface=LoginSurface.API,
        response=response,
        client=client,
        then=lambda pending, amr: start_session(
            user=pending.user,
            client=client,
            session_options=SessionOptions(**pending.session_options | dict(session_options)),
            context=authenticated_now(*amr, acr=AssuranceLevel.AAL2),
        ),
    )


def start_session(
    *,
    user: User,
    client: ClientInfo,
    session_options: SessionOptions,
    context: AuthenticationContext,
    session_id: uuid.UUID | None = None,
) -> SignIn:
    """Start a session for a fully authenticated user, within the caller's transaction.

    Raises InvalidCredentials if the user has since changed the password, been deactivated, or added a second factor; and
    IntegrityError if a session had the given id before.
    """
    device = known_devices.fingerprint(client)
    is_new_device = bool(user.known_devices) and device not in user.known_devices
    # First, because it locks the row: a reset or a deactivation that races this login then revokes its session too.
    if not record_login(user, device):
        raise InvalidCredentials
    ended = sessions.enforce_session_limit(user_id=user.id)
    session = sessions.start(
        user_id=user.id,
        client=client,
        name=session_options.name,
        data=dict(session_options.data),
        lifetime=timedelta(seconds=session_options.lifetime) if session_options.lifetime else None,
        persistent=session_options.persistent,
        context=context,
        session_id=session_id,
    )
    if is_new_device:
        outbox.new_device(user, client)
    facts: audit.Facts = {"newDevice": is_new_device, "amr": session.amr, "sessionsEnded": ended}
    audit.record(AuditKind.LOGIN, user_id=user.id, actor_id=user.id, session_id=session.id, facts=facts)
    codes = _first_recovery_codes(user)
    return SignIn(user=user, session=session, tokens=mint_pair(user=user, session=session), recovery_codes=codes)


def _first_recovery_codes(user: User) -> list[str]:
    """Issue the recovery codes of a user who signed up with a second factor: the response to a sign-up cannot show them."""
    if not user.mfa_enabled or user.recovery_codes_left is not None:
        return []
    codes = second_factors.issue_owed_codes(user_id=user.id)
    user.recovery_codes_left = len(codes) if codes else None
    return codes


def mint_pair(*, user: User, session: Session) -> TokenPair:
    """Mint an access token, and the session's current refresh token, which has the same bytes each time."""
    access, access_expires_at = session_tokens.mint_access(
        user_id=user.id,
        username=user.username,
        role=user.role,
        session_id=session.id,
        session_ends_at=session.expires_at,
        context=session.context,
    )
    refresh = session_tokens.mint_refresh(
        user_id=user.id,
        session_id=session.id,
        jti=session.refresh_jti,
        issued_at=session.refresh_issued_at,
        expires_at=session.expires_at,
    )
    return TokenPair(
        access=access, refresh=refresh, access_expires_at=access_expires_at, refresh_expires_at=session.expires_at
    )


def verify_token(token: str) -> Principal:
    """Return the principal of an access token. This is the stable entry point for other code in the same deployment.

        from accounts.services.login import verify_token
        principal = verify_token(token)  # .id and .username of the user, .role, .session_id, .acr, .amr, .auth_time

    It usually takes one Redis command and no SQL. Role and authentication context come from the database, never from the
    claims.

    Raises TokenInvalid, TokenExpired or SessionRevoked, each a subclass of core.api.exceptions.Unauthorized; and
    DatabaseError if neither Redis nor the database has the session. Treat every exception as a denial.
    """
    claims = session_tokens.decode_access(token)
    principal = get_principal(claims.session_id)
    if principal.id != claims.user_id:
        raise TokenInvalid
    return principal
