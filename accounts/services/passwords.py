"""Resets and changes passwords."""

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
from accounts.services import (
    account_claim,
    email_verification,
    password_attempts,
    recent_proof,
    registration_claims,
)
from accounts.verification import verification_codes
from core.api.exceptions import SessionRevoked, ValidationFailed
from core.throttling import by_ip, limiter
from sessions_tracking import services as sessions
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal


def require_acceptable(password: str, *, user: User, field: str) -> None:
    """Raise ValidationFailed under `field` with every rule that the password breaks."""
    try:
        validate_password(hashing.normalize(password), user)
    except ValidationError as error:
        raise ValidationFailed(errors={field: error.messages}) from error


def request_reset(*, email: str, language: str) -> None:
    """Queue a reset for the email, with the same work and response whether or not an account has it.

    Raises RateLimited beyond RATE_LIMIT_FORGOT, which counts all spellings of an email together.
    """
    limiter.consume(settings.RATE_LIMIT_FORGOT, attempt_key(email))
    with transaction.atomic():
        outbox.password_reset(email=email, language=language)


def reset(*, token: str, new_password: str, client: ClientInfo) -> None:
    """Set a new password with the emailed token, revoke every session, and mark the email as verified.

    If that is the first proof of the email, its owner claims the account: see `account_claim`. A password that breaks a rule
    does not use the token up. Of concurrent uses one succeeds.

    Raises ResetTokenInvalid, ValidationFailed, and RateLimited for an IP that has sent too many wrong tokens.
    """
    code = verification_codes.find_by_token(token=token, purpose=Purpose.RESET_PASSWORD)
    if code is None or code.used_at is not None:
        by_ip.consume(settings.RATE_LIMIT_BAD_TOKENS, client.ip)  # a valid token always works
        raise ResetTokenInvalid
    require_acceptable(new_password, user=code.user, field="newPassword")
    hashing_limiter.ensure_capacity()
    password_attempts.charge_reset(user_id=code.user_id)
    new_hash = hashing.make(new_password)
    with transaction.atomic():
        _consume(code, new_hash)
        ended = sessions.revoke_all(user_id=code.user_id, reason=RevokedReason.PASSWORD_RESET)
        outbox.cancel_resets(code.user)
        is_claim = _claim_if_unproven(code.user)
        email_verification.prove(code.user, how="password_reset")
        outbox.password_changed(code.user, client)
        _record(AuditKind.PASSWORD_RESET, code.user, ended, is_claim=is_claim)


def _claim_if_unproven(before: User) -> bool:
    """Claim the account for the owner of the email, if the email was never proven; return whether that was so.

    Decides by the locked row, since the link of the registration may have verified the email meanwhile, and by the former
    password.
    """
    user = User.objects.get(id=before.id)
    user.password = before.password
    return account_claim.claim_if_unproven(user, keep_password=True)


def _consume(code: VerificationCode, new_hash: str) -> None:
    """Replace the password and use the token up.

    Locks the user's row first: a concurrent login waits for the lock, and then either fails on the new password or has its
    session revoked.
    """
    if not _replace(user=code.user, new_hash=new_hash) or not verification_codes.consume(code):
        raise ResetTokenInvalid


def change(
    *,
    user_id: uuid.UUID,
    principal: Principal | None,
    current_password: str | None,
    new_password: str,
    client: ClientInfo,
) -> None:
    """Set a new password and revoke the user's other sessions. Without a principal, as in the admin, revoke all.

    Raises as `recent_proof.confirm` (`currentPassword`), and ValidationFailed (`newPassword`).
    """
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise SessionRevoked
    # Before any hash is computed: neither check depends on the account's password.
    if current_password is not None and hashing.normalize(new_password) == hashing.normalize(current_password):
        raise ValidationFailed(errors={"newPassword": [_("The new password must differ from the current one.")]})
    require_acceptable(new_password, user=user, field="newPassword")
    proof = recent_proof.confirm(
        user=user, principal=principal, password=current_password, field="currentPassword", hashes=2
    )
    new_hash = hashing.make(new_password)
    with transaction.atomic():
        recent_proof.lock_confirmed(proof, field="currentPassword")
        if not _replace(user=user, new_hash=new_hash):
            raise PasswordIncorrect(field="currentPassword")
        ended = sessions.revoke_all(user_id=user.id, reason=RevokedReason.PASSWORD_CHANGED, keep=proof.session_id)
        outbox.cancel_resets(user)
        outbox.password_changed(user, client)
        _record(AuditKind.PASSWORD_CHANGED, user, ended, proof.session_id)


def _record(
    kind: AuditKind, user: User, ended: int, session_id: uuid.UUID | None = None, *, is_claim: bool = False
) -> None:
    facts: dict[str, int | bool] = {"sessionsEnded": ended} | ({"takeOver": True} if is_claim else {})
    audit.record(kind, user_id=user.id, actor_id=user.id, session_id=session_id, facts=facts)


def _replace(*, user: User, new_hash: str) -> bool:
    """Replace the password, if it and the email are still those that were checked: of concurrent changes one succeeds."""
    unchanged = User.objects.filter(id=user.id, password=user.password, email_key=user.email_key, is_active=True)
    if not unchanged.update(password=new_hash, updated_at=datetime.now(UTC)):
        return False
    registration_claims.remove(user.email)
    return True
