"""Step-up (`POST /reauthenticate`): the user of a session proves again who they are.

The session then has the proof that `recent_proof` requires. `accounts.admin_site.proof_form` verifies those of Django's admin.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.exceptions import CodeInvalid, PasswordIncorrect, SecondFactorRequired
from accounts.models import AuditKind, User
from accounts.registries import (
    REAUTHENTICATION_METHODS,
    SECOND_FACTORS,
    Ceremony,
    FactorAttempt,
    FactorResult,
    ReauthenticationMethod,
    SecondFactor,
)
from accounts.services import credential_check, profile
from accounts.services.pending_logins import FactorResponse
from accounts.tokens import session_tokens
from core.api.exceptions import ApiError, SessionRevoked
from core.throttling import by_ip
from sessions_tracking import assurance
from sessions_tracking.authentication_context import FIRST_FACTORS, AssuranceLevel, current_second
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import Session
from sessions_tracking.principal import Principal

# A passkey verifies its user unless the session has proven a first factor, so it always completes two factors.
_PASSKEYS = frozenset({"swk", "hwk"})

Method = SecondFactor | ReauthenticationMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedUp:
    """The session with its new context, and an access token that has it. The refresh token stays as it is."""

    session: Session
    access_token: str
    access_expires_at: datetime


def step_up(*, principal: Principal, response: FactorResponse, client: ClientInfo) -> SteppedUp:
    """Verify the response and renew the session's authentication. Every process sees it with the session's next request.

    The transaction locks the user's row, so parallel attempts are verified one after the other. A wrong response is counted,
    and the count committed, before the error is raised. A password is hashed before the row is locked.

    Raises SecondFactorRequired; the method's error, such as PasswordIncorrect, CodeInvalid and TooManyWrongCodes; RateLimited and
    Overloaded; and SessionRevoked, also if the session ends meanwhile.
    """
    by_ip.consume(settings.RATE_LIMIT_LOGIN, client.ip)
    user = profile.get(user_id=principal.id)
    method = _find_method(user, response)
    value = _prepare(method, user, principal, response)
    with transaction.atomic():
        result = _verify(principal, FactorResponse(method=method.name, value=value), client)
    if isinstance(result, ApiError):
        raise result
    return result


def _find_method(user: User, response: FactorResponse) -> Method:
    """Raises SecondFactorRequired for a weaker proof from a user who has a second factor."""
    factor = SECOND_FACTORS.get(response.method)
    if factor is not None:
        return factor
    if user.mfa_enabled:
        raise SecondFactorRequired
    method = REAUTHENTICATION_METHODS.get(response.method)
    if method is None or not method.is_available_for(user):
        raise CodeInvalid
    return method


def _prepare(method: Method, user: User, principal: Principal, response: FactorResponse) -> object:
    if not isinstance(method, ReauthenticationMethod) or method.prepare is None:
        return response.value
    try:
        return method.prepare(user, response.value)
    except PasswordIncorrect:
        _record_failure(principal, method.name)
        raise


def _verify(principal: Principal, response: FactorResponse, client: ClientInfo) -> SteppedUp | ApiError:
    """Return the error to raise, once its count is committed. Decides everything anew by the locked row."""
    user = User.objects.select_for_update().filter(id=principal.id, is_active=True).first()
    session = Session.objects.active(datetime.now(UTC)).filter(id=principal.session_id, user_id=principal.id).first()
    if user is None or session is None:
        raise SessionRevoked
    method = _find_method(user, response)
    attempt = FactorAttempt(
        user=user,
        value=response.value,
        client=client,
        ceremony=Ceremony.STEP_UP,
        binding=session.id,
        proven_amr=session.context.amr,
    )
    proven = method.verify(attempt)
    if isinstance(proven, ApiError):
        _record_failure(principal, method.name)
        return proven
    return _renew(user, session, method, proven)


def _renew(user: User, session: Session, method: Method, proven: tuple[str, ...]) -> SteppedUp:
    renewed = assurance.add_proof(
        user_id=user.id,
        session_id=session.id,
        amr=proven,
        acr=_level(session, method, proven),
        authenticated_at=current_second(),
    )
    facts = {"method": method.name, "acr": renewed.acr}
    audit.record(AuditKind.REAUTHENTICATED, user_id=user.id, actor_id=user.id, session_id=session.id, facts=facts)
    token, expires_at = session_tokens.mint_access(
        user_id=user.id,
        username=user.username,
        role=user.role,
        session_id=renewed.id,
        session_ends_at=renewed.expires_at,
        context=renewed.context,
    )
    return SteppedUp(session=renewed, access_token=token, access_expires_at=expires_at)


def _level(session: Session, method: Method, proven: tuple[str, ...]) -> AssuranceLevel:
    """Return what the proof adds. The session keeps a higher level that it has."""
    is_second = isinstance(method, SecondFactor) and not FIRST_FACTORS.isdisjoint(session.context.amr)
    return AssuranceLevel.AAL2 if is_second or not _PASSKEYS.isdisjoint(proven) else AssuranceLevel.AAL1


def _record_failure(principal: Principal, method: str) -> None:
    audit.record(
        AuditKind.REAUTHENTICATION_FAILED,
        user_id=principal.id,
        actor_id=principal.id,
        session_id=principal.session_id,
        facts={"method": method},
    )


def check_password(user: User, password: str) -> str:
    """Return the hash that the password matches. Raises as `credential_check.require_correct`."""
    credential_check.require_correct(password, user=user, field="password")
    return user.password


def verify_password(attempt: FactorAttempt) -> FactorResult:
    """Accept the hash of `check_password` if the password has not changed since."""
    return ("pwd",) if attempt.value == attempt.user.password else PasswordIncorrect(field="password")
