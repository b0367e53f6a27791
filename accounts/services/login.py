"""Login with a password, and with a second factor after it; and verification of access tokens."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts import audit, known_devices
from accounts.exceptions import InvalidCredentials
from accounts.mail import outbox
from accounts.models import AuditKind, LoginSurface, User
from accounts.services import credential_check, pending_logins
from accounts.services.credential_check import Credentials
from accounts.services.pending_logins import FactorResponse, PendingLoginToken
from accounts.tokens import session_tokens
from accounts.tokens.session_tokens import TokenPair
from core.api.exceptions import TokenInvalid
from core.db.prepared import Param, PreparedUpdate
from core.db.prepared_rows import Instances
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache.lookup import get_principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    user: User
    session: Session
    tokens: TokenPair


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """The name and the data that a client requests for its new session."""

    name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


_FIELDS = {field.attname: field for field in User._meta.concrete_fields}  # noqa: SLF001 - documented API
# The columns that must be unchanged since the user was read, and those that a login updates.
_LOCKED_ON, _UPDATED = ("id", "password", "mfa_enabled"), ("last_login", "known_devices")


def _params(*names: str) -> dict[str, Param]:
    return {name: Param(name, _FIELDS[name]) for name in names}


_RECORD_LOGIN = PreparedUpdate(
    lambda: User.objects.filter(**_params(*_LOCKED_ON), is_active=True),
    changes=lambda: _params(*_UPDATED),
    returning=lambda: Instances(User, ["id"]),
)


def log_in(
    *, credentials: Credentials, client: ClientInfo, session_options: SessionOptions
) -> SignIn | PendingLoginToken:
    """Check the password and start a session, in at most seven statements; with a second factor, begin a pending login.

    Raises InvalidCredentials, after the same time for every cause; EmailNotVerified, for the correct password only;
    RateLimited and Overloaded, before the password is checked.
    """
    user = credential_check.authenticate(credentials, ip=client.ip)
    if user.mfa_enabled:
        return pending_logins.begin(user=user, surface=LoginSurface.API, session_options=asdict(session_options))
    with transaction.atomic():
        return start_session(user=user, client=client, session_options=session_options, second_factor=False)


def complete_login(*, token: str, response: FactorResponse, client: ClientInfo) -> SignIn:
    """Complete the pending login of the token, and start the session that its client requested.

    Raises TokenInvalid, TokenExpired, InvalidCredentials; CodeInvalid and TooManyWrongCodes, once the attempt is counted.
    """
    return pending_logins.complete(
        token=token,
        surface=LoginSurface.API,
        response=response,
        client=client,
        then=lambda pending: start_session(
            user=pending.user,
            client=client,
            session_options=SessionOptions(**pending.session_options),
            second_factor=True,
        ),
    )


def start_session(*, user: User, client: ClientInfo, session_options: SessionOptions, second_factor: bool) -> SignIn:
    """Start a session for a fully authenticated user, within the caller's transaction.

    Raises InvalidCredentials if the user has since changed the password, been deactivated, or added a second factor.
    """
    device = known_devices.fingerprint(client)
    is_new_device = bool(user.known_devices) and device not in user.known_devices
    # First, because it locks the row: a reset or a deactivation that races this login then revokes its session too.
    if not _record_login(user, device):
        raise InvalidCredentials
    ended = sessions.enforce_session_limit(user_id=user.id)
    session = sessions.start(
        user_id=user.id,
        client=client,
        name=session_options.name,
        data=dict(session_options.data),
        second_factor=second_factor,
    )
    if is_new_device:
        outbox.new_device(user, client)
    facts = {"newDevice": is_new_device, "secondFactor": second_factor, "sessionsEnded": ended}
    audit.record(AuditKind.LOGIN, user_id=user.id, actor_id=user.id, session_id=session.id, facts=facts)
    return SignIn(user=user, session=session, tokens=mint_pair(user=user, session=session))


def _record_login(user: User, device: str) -> bool:
    """Return False if the user is inactive, or has a new password or second factor since the credentials were checked."""
    user.last_login = datetime.now(UTC)
    user.known_devices = known_devices.remember(user.known_devices, device)
    updated = _RECORD_LOGIN.fetch_first(**{name: getattr(user, name) for name in (*_LOCKED_ON, *_UPDATED)})
    return updated is not None


def mint_pair(*, user: User, session: Session) -> TokenPair:
    """Mint an access token, and the session's current refresh token, which has the same bytes each time."""
    access, access_expires_at = session_tokens.mint_access(
        user_id=user.id,
        username=user.username,
        role=user.role,
        session_id=session.id,
        session_ends_at=session.expires_at,
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
        principal = verify_token(token)  # .id and .username of the user, .role, .session_id

    It usually takes one Redis command and no SQL. The role comes from the database, never from the claims.

    Raises TokenInvalid, TokenExpired or SessionRevoked, each a subclass of core.api.exceptions.Unauthorized; and
    DatabaseError if neither Redis nor the database has the session. Treat every exception as a denial.
    """
    claims = session_tokens.decode_access(token)
    principal = get_principal(claims.session_id)
    if principal.id != claims.user_id:
        raise TokenInvalid
    return principal
