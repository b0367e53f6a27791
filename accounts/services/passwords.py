"""Checks, resets and changes passwords."""

import uuid
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.exceptions import PasswordIncorrect, ResetTokenInvalid
from accounts.identity import attempt_key
from accounts.mail import outbox
from accounts.models import AuditKind, Purpose, User, VerificationCode
from accounts.passwords import hashing, hashing_limiter
from accounts.services import account_claim, email_verification, password_attempts, registration_claims
from accounts.verification import verification_codes
from core.api.exceptions import SessionRevoked, ValidationFailed
from core.throttling import by_ip, limiter
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason


def require_acceptable(password: str, *, user: User, field: str) -> None:
    """Raise ValidationFailed under `field` with every rule that the password breaks."""
    try:
        validate_password(hashing.normalize(password), user)
    except ValidationError as error:
        raise ValidationFailed(errors={field: error.messages}) from error


def require_correct(password: str, *, user: User, field: str, hashes: int = 1) -> None:
    """Raises PasswordIncorrect under `field`, RateLimited past too many, and Overloaded.

    A cost renewed since is left to the next login. `hashes` is how many the request computes in all, this one included.
    """
    hashing_limiter.ensure_capacity()
    attempt = password_attempts.start_reauth_attempt(user_id=user.id, hashes=hashes)
    if not hashing.verify(password, user.password)[0]:
        attempt.failed()
        raise PasswordIncorrect(field=field)
    attempt.succeeded()


def request_reset(*, email: str, language: str) -> None:
    """Queue a reset for the email, with the same work and the same response whether or not an account has it.

    Raises RateLimited beyond RATE_LIMIT_FORGOT, which counts all spellings of an email together.
    """
    limiter.consume(settings.RATE_LIMIT_FORGOT, attempt_key(email))
    with transaction.atomic():
        outbox.password_reset(email=email, language=language)


def reset(*, token: str, new_password: str, client: ClientInfo) -> None:
    """Sets the password that the mailed token stands for, ends every session, and takes the address for proven.

    Where that is the first proof of the address, the account passes to whoever reads it: see `account_claim`.
    A password that the rules refuse leaves the token as it is. Of racing uses one wins.
    Raises ResetTokenInvalid, ValidationFailed; RateLimited for an address that has brought too many wrong tokens.
    """
    secret = verification_codes.find_by_token(token=token, purpose=Purpose.RESET_PASSWORD)
    if secret is None or secret.used_at is not None:
        by_ip.consume(settings.RATE_LIMIT_BAD_TOKENS, client.ip)  # the right one always works
        raise ResetTokenInvalid
    require_acceptable(new_password, user=secret.user, field="newPassword")
    hashing_limiter.ensure_capacity()
    password_attempts.charge_reset(user_id=secret.user_id)
    new_hash = hashing.make(new_password)
    with transaction.atomic():
        _use_up(secret, new_hash)
        ended = sessions.revoke_all(user_id=secret.user_id, reason=RevokedReason.PASSWORD_RESET)
        outbox.cancel_resets(secret.user)
        passes_on = _pass_on(secret.user)
        email_verification.prove(secret.user, how="password_reset")
        outbox.password_changed(secret.user, client)
        _record(AuditKind.PASSWORD_RESET, secret.user, ended, passes_on=passes_on)


def _pass_on(former: User) -> bool:
    """Judged by the row as it is under the lock, with the password of before: the registration's own link may have won."""
    user = User.objects.get(id=former.id)
    user.password = former.password
    passes_on = account_claim.is_claim(user)
    if passes_on:
        account_claim.claim(user)
    return passes_on


def _use_up(secret: VerificationCode, new_hash: str) -> None:
    """The user's row first: a login that races this waits for it, and then finds another password or dies with its session."""
    if not _replace(user=secret.user, new_hash=new_hash) or not verification_codes.consume(secret):
        raise ResetTokenInvalid


def change(
    *, user_id: uuid.UUID, session_id: uuid.UUID | None, current_password: str, new_password: str, client: ClientInfo
) -> None:
    """Sets a new password and ends the user's other sessions: all of them for who comes by Django's admin, with none of these.

    Raises PasswordIncorrect, ValidationFailed, RateLimited.
    """
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise SessionRevoked
    # Before any hash: neither check says anything about the password that the account has.
    if hashing.normalize(new_password) == hashing.normalize(current_password):
        raise ValidationFailed(errors={"newPassword": [_("The new password must differ from the current one.")]})
    require_acceptable(new_password, user=user, field="newPassword")
    require_correct(current_password, user=user, field="currentPassword", hashes=2)
    new_hash = hashing.make(new_password)
    with transaction.atomic():
        if not _replace(user=user, new_hash=new_hash):
            raise PasswordIncorrect(field="currentPassword")
        ended = sessions.revoke_all(user_id=user.id, reason=RevokedReason.PASSWORD_CHANGED, keep=session_id)
        outbox.cancel_resets(user)
        outbox.password_changed(user, client)
        _record(AuditKind.PASSWORD_CHANGED, user, ended, session_id)


def _record(
    kind: AuditKind, user: User, ended: int, session_id: uuid.UUID | None = None, *, passes_on: bool = False
) -> None:
    facts: dict[str, int | bool] = {"sessionsEnded": ended} | ({"takeOver": True} if passes_on else {})
    audit.record(kind, user_id=user.id, actor_id=user.id, session_id=session_id, facts=facts)


def _replace(*, user: User, new_hash: str) -> bool:
    """Only over the password that was checked, of the address that was proven: of racing changes one wins."""
    unchanged = User.objects.filter(id=user.id, password=user.password, email_key=user.email_key, is_active=True)
    if not unchanged.update(password=new_hash, updated_at=datetime.now(UTC)):
        return False
    registration_claims.remove(user.email)
    return True
