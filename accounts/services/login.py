"""Signs people in, and says who a token acts for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts import audit, known_devices
from accounts.exceptions import InvalidCredentials
from accounts.mail import outbox
from accounts.mfa.flows import challenges
from accounts.mfa.flows.challenges import Pending
from accounts.models import AuditKind, LoginSurface, User
from accounts.services import credential_check
from accounts.services.credential_check import Credentials
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
class SessionWishes:
    """What a client may say of its new session."""

    name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


_FIELDS = {field.attname: field for field in User._meta.concrete_fields}  # noqa: SLF001 - documented API
# The columns that must be unchanged since the user was read, and those that a login updates.
_LOCKED_ON, _UPDATED = ("id", "password", "mfa_enabled"), ("last_login", "known_devices")


def _params(*names: str) -> dict[str, Param]:
    return {name: Param(name, _FIELDS[name]) for name in names}


_UPDATE_LOGIN = PreparedUpdate(
    lambda: User.objects.filter(**_params(*_LOCKED_ON), is_active=True),
    changes=lambda: _params(*_UPDATED),
    returning=lambda: Instances(User, ["id"]),
)


def log_in(*, credentials: Credentials, client: ClientInfo, wishes: SessionWishes) -> SignIn | Pending:
    """Checks the password and starts a session; at most seven statements. Who has a second factor gets no session yet.

    Raises InvalidCredentials (in the same time, whatever was wrong) and, for the right password only, EmailNotVerified;
    RateLimited and Overloaded before it looks at the password.
    """
    user = credential_check.authenticate(credentials, address=client.ip)
    if user.mfa_enabled:
        return challenges.begin(user=user, door=LoginSurface.API, wishes=asdict(wishes))
    with transaction.atomic():
        return start_session(user=user, client=client, wishes=wishes, second_factor=False)


def start_session(*, user: User, client: ClientInfo, wishes: SessionWishes, second_factor: bool) -> SignIn:
    """For whoever has proven all that is asked of them; within the caller's transaction.

    Raises InvalidCredentials where the proof is overtaken: by another password, a deactivation, a second factor just added.
    """
    device = known_devices.fingerprint(client)
    is_new_device = bool(user.known_devices) and device not in user.known_devices
    # Before anything else: it locks the row, so a reset or a deactivation that races this login ends its session too.
    if not _note_login(user, device):
        raise InvalidCredentials
    gave_way = sessions.enforce_session_limit(user_id=user.id)
    session = sessions.start(
        user_id=user.id, client=client, name=wishes.name, data=dict(wishes.data), second_factor=second_factor
    )
    if is_new_device:
        outbox.new_device(user, client)
    facts = {"newDevice": is_new_device, "secondFactor": second_factor, "sessionsEnded": gave_way}
    audit.record(AuditKind.LOGIN, user_id=user.id, actor_id=user.id, session_id=session.id, facts=facts)
    return SignIn(user=user, session=session, tokens=mint_pair(user=user, session=session))


def _note_login(user: User, device: str) -> bool:
    """Only while the password that was checked is still the user's, and the user active and asked for no more than before."""
    user.last_login = datetime.now(UTC)
    user.known_devices = known_devices.remember(user.known_devices, device)
    updated = _UPDATE_LOGIN.fetch_first(**{name: getattr(user, name) for name in (*_LOCKED_ON, *_UPDATED)})
    return updated is not None


def mint_pair(*, user: User, session: Session) -> TokenPair:
    """An access token of now, and the session's current refresh token: the same bytes each time it is minted."""
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
    """Who the access token acts for: for code of the same deployment, and stable. Rights are the database's, never the claims'.

        from accounts.services.authentication import verify_token
        principal = verify_token(token)  # .id and .username of the user, .role, .session_id

    One Redis command and no SQL on the usual path. Raises TokenInvalid, TokenExpired or SessionRevoked, each an Unauthorized
    of core.api.exceptions; and DatabaseError where Redis does not know and the database is away. That is no yes.
    """
    claims = session_tokens.decode_access(token)
    principal = get_principal(claims.session_id)
    if principal.id != claims.user_id:
        raise TokenInvalid
    return principal
