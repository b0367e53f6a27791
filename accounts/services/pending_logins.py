"""The step between the correct first factor and the session, for users who have a second factor.

The client gets a token that is good for this step alone. The factors themselves are in `accounts.registries.SECOND_FACTORS`.
"""

import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Exists

from accounts import audit
from accounts.exceptions import CodeInvalid
from accounts.models import AuditKind, LoginSurface, PendingLogin, User
from accounts.registries import SECOND_FACTORS, Ceremony, FactorAttempt, FactorResult
from accounts.services import enabled_factors
from accounts.tokens import signing
from accounts.tokens.signing import hmac_hexdigest
from accounts.verification import attempts
from accounts.verification.attempts import AttemptRule
from core.api.exceptions import ApiError, TokenExpired, TokenInvalid
from sessions_tracking.client_info import ClientInfo

_PURPOSE = "pending-login.token"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLoginToken:
    """The token that stands for a pending login, and the second factors that can complete it.

    The database holds only the id: without the server's key, the token cannot be made from it.
    """

    token: str
    expires_at: datetime
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorResponse:
    """What the user presented: `method` is the name of a second factor, `value` its code."""

    method: str
    value: Any


def begin(
    *,
    user: User,
    surface: LoginSurface,
    amr: tuple[str, ...] = ("pwd",),
    session_options: Mapping[str, Any] | None = None,
) -> PendingLoginToken:
    """Create a pending login. The caller has verified the user's first factor, whose values are `amr`."""
    now = datetime.now(UTC)
    pending = PendingLogin.objects.create(
        user=user,
        surface=surface,
        amr=" ".join(amr),
        binding=_binding(user),
        session_options=dict(session_options or {}),
        created_at=now,
        expires_at=now + settings.PENDING_LOGIN_LIFETIME,
    )
    return PendingLoginToken(
        token=signing.sign_id(_PURPOSE, pending.id),
        expires_at=pending.expires_at,
        methods=tuple(factor.name for factor in enabled_factors.get(user.id)),
    )


def complete(
    *,
    token: str,
    surface: LoginSurface,
    response: FactorResponse,
    client: ClientInfo,
    then: Callable[[PendingLogin, tuple[str, ...]], T],
) -> T:
    """Use up the response and the pending login, and return the result of `then`, all in one transaction.

    `then` takes the pending login, and the values of `amr` that both factors proved.

    The transaction locks the user's row, so parallel attempts are verified one after the other. A wrong response is
    counted and the count committed before the error is raised.

    Raises TokenInvalid, TokenExpired; the factor's error, such as CodeInvalid, and TooManyWrongCodes once the attempt is counted.
    """
    with transaction.atomic():
        pending = lock(token=token, surface=surface)
        proven = _verify(pending, response, client)
        result = then(pending, (*pending.amr.split(), *proven)) if isinstance(proven, tuple) else proven
    if isinstance(result, ApiError):
        raise result
    return result


def get(*, token: str, surface: LoginSurface) -> PendingLogin:
    """Return the pending login with its user, without a lock. Raises TokenInvalid, TokenExpired."""
    pending_id = signing.unsign_id(_PURPOSE, token)
    if pending_id is None:
        raise TokenInvalid
    users = User.objects.filter(pending_logins__id=pending_id, pending_logins__surface=surface)
    return _require_pending(pending_id, users.filter(is_active=True, mfa_enabled=True).first())


def cancel(token: str) -> None:
    """Cancel the pending login that the token stands for. Any other text has no effect."""
    pending_id = signing.unsign_id(_PURPOSE, token)
    if pending_id is not None:
        PendingLogin.objects.filter(id=pending_id, ended_at=None).update(**_ended())


def cancel_all(*, user_id: uuid.UUID) -> None:
    PendingLogin.objects.filter(user_id=user_id, ended_at=None).update(**_ended())


def _verify(pending: PendingLogin, response: FactorResponse, client: ClientInfo) -> FactorResult:
    """Return what the factor proved, and end the pending login; or return the error, and count the attempt."""
    factor = SECOND_FACTORS.get(response.method)
    attempt = FactorAttempt(
        user=pending.user,
        value=response.value,
        client=client,
        ceremony=Ceremony.SIGN_IN,
        binding=pending.id,
        proven_amr=tuple(pending.amr.split()),
    )
    result = factor.verify(attempt) if factor is not None else CodeInvalid()
    if isinstance(result, ApiError):
        _count_wrong(pending)
        audit.record(AuditKind.MFA_FAILED, user_id=pending.user_id)
    elif not PendingLogin.objects.filter(id=pending.id, ended_at=None).update(**_ended()):
        raise TokenInvalid
    return result


def lock(*, token: str, surface: LoginSurface) -> PendingLogin:
    """Return the pending login with its user locked, within the caller's transaction.

    Raises TokenExpired; TokenInvalid if it has ended, or its user is inactive or has changed the password.
    """
    pending_id = signing.unsign_id(_PURPOSE, token)
    return _require_pending(pending_id, _lock_user(pending_id, surface) if pending_id else None)


def _require_pending(pending_id: uuid.UUID | None, user: User | None) -> PendingLogin:
    if pending_id is None or user is None:
        raise TokenInvalid
    pending = PendingLogin.objects.filter(id=pending_id, ended_at=None).first()
    if pending is None or not hmac.compare_digest(pending.binding, _binding(user)):
        raise TokenInvalid
    if pending.expires_at <= datetime.now(UTC):
        raise TokenExpired
    pending.user = user
    return pending


def _lock_user(pending_id: uuid.UUID, surface: LoginSurface) -> User | None:
    """Return the locked user. Only `user_id` is read before the lock: it never changes."""
    user_id = PendingLogin.objects.filter(id=pending_id, surface=surface).values_list("user_id", flat=True).first()
    if user_id is None:
        return None
    return User.objects.select_for_update().filter(id=user_id, is_active=True, mfa_enabled=True).first()


def _count_wrong(pending: PendingLogin) -> None:
    """Count the attempt; the last one allowed ends the pending login."""
    rule = AttemptRule(purpose="pending_login", max_attempts=settings.MAX_CODE_TRIES)
    attempts.charge(rule=rule, key=str(pending.id))
    exhausted = attempts.exhausted(rule=rule, key=str(pending.id))
    PendingLogin.objects.filter(Exists(exhausted), id=pending.id, ended_at=None).update(**_ended())


def _ended() -> dict[str, Any]:
    """Return the changes that end a pending login. The client's session data in it is erased at once."""
    return {"ended_at": datetime.now(UTC), "session_options": {}}


def _binding(user: User) -> str:
    return hmac_hexdigest("pending-login.binding", str(user.id), user.password)
