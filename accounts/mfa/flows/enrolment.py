"""Adding an authenticator app, and removing it: by its user, by an administrator after a loss, or by a claim of the account."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from accounts import audit, encryption
from accounts.exceptions import CannotDemoteSelf, CodeInvalid
from accounts.mfa import emails, totp
from accounts.mfa.exceptions import MfaAlreadyEnabled, NoAuthenticatorApp
from accounts.mfa.flows import recovery_codes, verification
from accounts.mfa.models import MfaAuditKind, TotpFactor
from accounts.models import User
from accounts.services import account_claim, profile, recent_proof, second_factors
from core.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """The data that sets an authenticator app up. It is shown once."""

    secret: str
    uri: str
    qr_svg: str


def start(*, user_id: uuid.UUID, session_id: uuid.UUID) -> Enrolment:
    """Create a secret, replacing one that was not confirmed. Logins do not require it yet. Raises MfaAlreadyEnabled."""
    secret = totp.new_secret()
    with transaction.atomic():
        user = _lock_user(user_id, session_id)
        if _has_app(user):
            raise MfaAlreadyEnabled
        # The count of wrong codes is kept, so that a new start does not give more attempts.
        values = {"secret": encryption.encrypt(secret, owner=str(user_id)), "created_at": datetime.now(UTC)}
        TotpFactor.objects.update_or_create(user=user, defaults=values)
    uri = totp.uri(secret, account=user.email or user.username)
    return Enrolment(secret=secret, uri=uri, qr_svg=totp.qr_svg(uri))


def confirm(*, user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> list[str]:
    """Add the app with a first code. Return ten recovery codes if it is the user's first second factor, else none.

    The session rises to AAL2, see `second_factors.added`. Raises CodeInvalid and TooManyWrongCodes, once the attempt is
    counted; NoAuthenticatorApp without a started enrolment; MfaAlreadyEnabled.
    """
    with transaction.atomic():
        codes = _confirm(user_id, session_id, code, client)
    if codes is None:
        raise CodeInvalid
    return codes


def _confirm(user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> list[str] | None:
    """Return None for a wrong code. The caller commits its count before the error is raised."""
    user = _lock_user(user_id, session_id)
    factor = verification.find_factor(user_id)
    if factor is None:
        raise NoAuthenticatorApp
    if factor.confirmed_at is not None:
        raise MfaAlreadyEnabled
    if not verification.use_totp_code(factor, code, confirmed_at=datetime.now(UTC)):
        return None
    verification.reset_wrong_codes(user_id)
    codes = second_factors.added(user_id=user_id, session_id=session_id, amr="otp")
    is_first = not user.mfa_enabled
    facts = {"isFirstFactor": is_first}
    audit.record(MfaAuditKind.ENABLED, user_id=user_id, actor_id=user_id, session_id=session_id, facts=facts)
    emails.app_added(user, client, is_first=is_first)
    return codes


def disable(*, principal: Principal, password: str | None, client: ClientInfo) -> None:
    """Remove the app. Recovery codes stay while the user has another second factor.

    Raises as `recent_proof.confirm` (`password`); NoAuthenticatorApp, SessionRevoked.
    """
    user_id, session_id = principal.id, principal.session_id
    user = profile.get(user_id=user_id)
    if not _has_app(user):  # checked again under the lock; here it saves the hash
        raise NoAuthenticatorApp
    proof = recent_proof.confirm(user=user, principal=principal, password=password, field="password")
    with transaction.atomic():
        recent_proof.lock_confirmed(proof, field="password")
        if not _has_app(user):
            raise NoAuthenticatorApp
        _delete_app(user_id)
        is_last = second_factors.removed(user_id=user_id)
        facts = {"wasLastFactor": is_last}
        audit.record(MfaAuditKind.DISABLED, user_id=user_id, actor_id=user_id, session_id=session_id, facts=facts)
        emails.app_removed(user, client, is_last=is_last)


def reset_by_admin(*, user_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    """Remove the app and the recovery codes of a user who has lost them; return False if there were none.

    A user who has a passkey keeps it, and gets new recovery codes at the next sign-in.
    Raises CannotDemoteSelf: administrators remove their own app with their password.
    """
    if actor_id == user_id:
        raise CannotDemoteSelf
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None or not has_app_or_codes(user):
            return False
        _delete_app(user_id)
        recovery_codes.delete(user_id=user_id)
        is_last = second_factors.removed(user_id=user_id)
        facts = {"wasLastFactor": is_last}
        audit.record(MfaAuditKind.DISABLED, user_id=user_id, actor_id=actor_id, facts=facts)
        emails.app_removed_by_admin(user, is_last=is_last)
    return True


def forget_started(*, user_id: uuid.UUID) -> None:
    """Delete an app that is not confirmed: it may have been started without the second factor that the user has by now."""
    TotpFactor.objects.filter(user_id=user_id, confirmed_at=None).delete()


def remove_planted(user: User) -> None:
    """Remove what a former holder of a claimed account enrolled.

    Administrators and staff keep theirs: a mailbox must not be enough to become one. A superuser can remove it.
    """
    if account_claim.is_privileged(user):
        return
    _delete_app(user.id)
    recovery_codes.delete(user_id=user.id)


def has_app_or_codes(user: User) -> bool:
    return user.recovery_codes_left is not None or _has_app(user)


def _has_app(user: User) -> bool:
    return TotpFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def _delete_app(user_id: uuid.UUID) -> None:
    """Delete the app and the count of wrong codes, which must not limit the next app. Call `second_factors.removed` after it."""
    deleted, _per_model = TotpFactor.objects.filter(user_id=user_id).delete()
    if deleted:
        verification.reset_wrong_codes(user_id)


def _lock_user(user_id: uuid.UUID, session_id: uuid.UUID) -> User:
    """Check the session again under the lock: a reset or a logout may have committed since the request was authenticated."""
    user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
    if user is None or not sessions.is_active(user_id=user_id, session_id=session_id):
        raise SessionRevoked
    return user
