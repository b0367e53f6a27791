"""Adding an authenticator app, and removing it: by its user, by an administrator after a loss, or by a claim of the account."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from accounts import audit, encryption
from accounts.exceptions import CannotDemoteSelf, CodeInvalid, PasswordIncorrect
from accounts.mfa import emails, totp
from accounts.mfa.exceptions import MfaAlreadyEnabled, MfaNotEnabled
from accounts.mfa.flows import recovery_codes, verification
from accounts.mfa.models import MfaAuditKind, TotpFactor
from accounts.models import User
from accounts.services import account_claim, passwords, profile, second_factors
from core.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo


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
        _require_no_app(user)
        # The count of wrong codes is kept, so that a new start does not give more attempts.
        values = {"secret": encryption.encrypt(secret, owner=str(user_id)), "created_at": datetime.now(UTC)}
        TotpFactor.objects.update_or_create(user=user, defaults=values)
    uri = totp.uri(secret, account=user.email or user.username)
    return Enrolment(secret=secret, uri=uri, qr_svg=totp.qr_svg(uri))


def confirm(*, user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> list[str]:
    """Turn the factor on with a first code, and return the recovery codes. The caller's session is unchanged.

    Raises CodeInvalid and TooManyWrongCodes, once the attempt is counted; MfaNotEnabled without a started enrolment;
    MfaAlreadyEnabled.
    """
    with transaction.atomic():
        codes = _confirm(user_id, session_id, code, client)
    if codes is None:
        raise CodeInvalid
    return codes


def _confirm(user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> list[str] | None:
    """Return None for a wrong code. The caller commits its count before the error is raised."""
    user = _lock_user(user_id, session_id)
    _require_no_app(user)
    verification.require_attempts_left(user_id)
    factor = TotpFactor.objects.filter(user_id=user_id).first()
    if factor is None:
        raise MfaNotEnabled
    if not verification.use_totp_code(factor, code, confirmed_at=datetime.now(UTC)):
        return None
    verification.reset_wrong_codes(user_id)
    audit.record(MfaAuditKind.ENABLED, user_id=user_id, actor_id=user_id, session_id=session_id)
    emails.mfa_enabled(user, client)
    return second_factors.added(user_id=user_id, session_id=session_id, amr="otp")


def disable(*, user_id: uuid.UUID, session_id: uuid.UUID, password: str, client: ClientInfo) -> None:
    """Remove the factor and its recovery codes. Raises PasswordIncorrect (`password`), MfaNotEnabled, SessionRevoked."""
    user = profile.get(user_id=user_id)
    if not _has_app(user):  # checked again under the lock; here it saves the hash
        raise MfaNotEnabled
    passwords.require_correct(password, user=user, field="password")
    with transaction.atomic():
        if not User.objects.select_for_update().filter(id=user_id, password=user.password).exists():
            raise PasswordIncorrect(field="password")
        if not sessions.is_active(user_id=user_id, session_id=session_id):
            raise SessionRevoked
        if not _remove(user_id):
            raise MfaNotEnabled
        audit.record(MfaAuditKind.DISABLED, user_id=user_id, actor_id=user_id, session_id=session_id)
        emails.mfa_disabled(user, client)


def reset_by_admin(*, user_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    """Remove the factor of a user who has lost it; return False if there was none.

    Raises CannotDemoteSelf: administrators remove their own factor with their password.
    """
    if actor_id == user_id:
        raise CannotDemoteSelf
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None or not _remove(user_id):
            return False
        audit.record(MfaAuditKind.DISABLED, user_id=user_id, actor_id=actor_id)
        emails.mfa_disabled_by_admin(user)
    return True


def remove_planted(user: User) -> None:
    """Remove what a former holder of a claimed account enrolled.

    Administrators and staff keep theirs: a mailbox must not be enough to become one. A superuser can remove it.
    """
    if account_claim.is_privileged(user):
        return
    _delete_factor(user.id)
    recovery_codes.delete(user_id=user.id)
    User.objects.filter(id=user.id).update(mfa_enabled=False)


def _has_app(user: User) -> bool:
    return TotpFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def _require_no_app(user: User) -> None:
    if _has_app(user):
        raise MfaAlreadyEnabled


def _remove(user_id: uuid.UUID) -> bool:
    """Remove the factor within the caller's transaction, which holds the user's row; return False if none was confirmed."""
    if not TotpFactor.objects.filter(user_id=user_id, confirmed_at__isnull=False).exists():
        return False
    _delete_factor(user_id)
    second_factors.removed(user_id=user_id)
    return True


def _delete_factor(user_id: uuid.UUID) -> None:
    """Delete the factor and its count of wrong codes, which must not limit the next factor."""
    deleted, _per_model = TotpFactor.objects.filter(user_id=user_id).delete()
    if deleted:
        verification.reset_wrong_codes(user_id)


def _lock_user(user_id: uuid.UUID, session_id: uuid.UUID) -> User:
    """Check the session again under the lock: a reset or a logout may have committed since the request was authenticated."""
    user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
    if user is None or not sessions.is_active(user_id=user_id, session_id=session_id):
        raise SessionRevoked
    return user
