"""Adding an authenticator app, and taking it away: by its owner, or by an administrator for somebody who lost it."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from accounts import audit, encryption
from accounts.exceptions import CannotDemoteSelf, CodeInvalid, MfaAlreadyEnabled, MfaNotEnabled, PasswordIncorrect
from accounts.mail import outbox
from accounts.mfa import totp
from accounts.mfa.flows import attempts, challenges, recovery_codes, totp_codes
from accounts.mfa.models import RecoveryCode, TotpFactor
from accounts.models import AuditKind, User
from accounts.services import passwords, profile
from core.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an authenticator app needs. It is shown now and never again."""

    secret: str
    uri: str
    qr_svg: str


def start(*, user_id: uuid.UUID, session_id: uuid.UUID) -> Enrolment:
    """A new secret, which gates nothing until it is confirmed and replaces one that was not. Raises MfaAlreadyEnabled."""
    secret = totp.new_secret()
    with transaction.atomic():
        user = _locked(user_id, session_id)
        if user.mfa_enabled:
            raise MfaAlreadyEnabled
        fresh = {"secret": encryption.encrypt(secret, owner=str(user_id)), "created_at": datetime.now(UTC)}
        # The count of wrong codes stays: to start again gives nobody more tries.
        TotpFactor.objects.update_or_create(user=user, defaults=fresh)
    uri = totp.uri(secret, account=user.email or user.username)
    return Enrolment(secret=secret, uri=uri, qr_svg=totp.qr_svg(uri))


def confirm(*, user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> list[str]:
    """Proves that the app knows the secret, and returns the recovery codes. The caller's session stays what it was.

    Raises CodeInvalid and TooManyWrongCodes, once the try is counted; MfaNotEnabled where nothing was started,
    MfaAlreadyEnabled.
    """
    with transaction.atomic():
        codes = _confirm(user_id, session_id, code, client)
    if codes is None:
        raise CodeInvalid
    return codes


def _confirm(user_id: uuid.UUID, session_id: uuid.UUID, code: str, client: ClientInfo) -> list[str] | None:
    """None for a wrong code, which is counted: the caller commits before it says so."""
    user = _locked(user_id, session_id)
    factor = TotpFactor.objects.filter(user=user).first()
    if user.mfa_enabled:
        raise MfaAlreadyEnabled
    if factor is None:
        raise MfaNotEnabled
    attempts.require_tries_left(factor)
    if not totp_codes.use(factor, code):
        attempts.count(factor)
        return None
    TotpFactor.objects.filter(user=user).update(confirmed_at=datetime.now(UTC), wrong_codes=0, wrong_since=None)
    User.objects.filter(id=user_id).update(mfa_enabled=True, updated_at=datetime.now(UTC))
    audit.record(AuditKind.MFA_ENABLED, user_id=user_id, actor_id=user_id, session_id=session_id)
    outbox.mfa_enabled(user, client)
    return recovery_codes.issue(user_id=user_id)


def disable(*, user_id: uuid.UUID, session_id: uuid.UUID, password: str, client: ClientInfo) -> None:
    """Removes the factor and its recovery codes. Raises PasswordIncorrect (`password`), MfaNotEnabled, SessionRevoked."""
    user = profile.get(user_id=user_id)
    if not user.mfa_enabled:  # asked again under the lock; here it saves the hash
        raise MfaNotEnabled
    passwords.require_correct(password, user=user, field="password")
    with transaction.atomic():
        if not User.objects.select_for_update().filter(id=user_id, password=user.password).exists():
            raise PasswordIncorrect(field="password")
        if not sessions.is_active(user_id=user_id, session_id=session_id):
            raise SessionRevoked
        if not _remove(user_id):
            raise MfaNotEnabled
        audit.record(AuditKind.MFA_DISABLED, user_id=user_id, actor_id=user_id, session_id=session_id)
        outbox.mfa_disabled(user, client)


def reset_by_admin(*, user_id: uuid.UUID, actor_id: uuid.UUID) -> bool:
    """Removes the factor of somebody who lost it; False where there was none. Their next sign-in takes the password alone.

    Raises CannotDemoteSelf: one's own is removed with the password.
    """
    if actor_id == user_id:
        raise CannotDemoteSelf
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first()
        if user is None or not _remove(user_id):
            return False
        audit.record(AuditKind.MFA_DISABLED, user_id=user_id, actor_id=actor_id)
        outbox.mfa_disabled_by_admin(user)
    return True


def _remove(user_id: uuid.UUID) -> bool:
    """Within the caller's transaction, which holds the user's row; False where no factor was confirmed."""
    disabled = User.objects.filter(id=user_id, mfa_enabled=True).update(mfa_enabled=False, updated_at=datetime.now(UTC))
    if not disabled:
        return False
    TotpFactor.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.filter(user_id=user_id).delete()
    challenges.end_all(user_id=user_id)
    sessions.clear_second_factor(user_id=user_id)
    return True


def _locked(user_id: uuid.UUID, session_id: uuid.UUID) -> User:
    """The session is looked at again under the lock: a reset or a sign-out may have committed since the request was let in."""
    user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
    if user is None or not sessions.is_active(user_id=user_id, session_id=session_id):
        raise SessionRevoked
    return user
