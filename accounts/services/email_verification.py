"""Verifies that an email belongs to its user: by the code, by the link, or by a password reset sent to it."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists

from accounts import audit
from accounts.exceptions import CodeInvalid, EmailAlreadyVerified, UserNotFound
from accounts.identity import email_key_or_none
from accounts.mail import outbox
from accounts.models import AuditKind, Purpose, User, VerificationCode
from accounts.verification import code_attempts, resend_cooldown, verification_codes
from core.api.exceptions import TokenInvalid
from core.ids import new_id


def verify_by_code(*, email: str, code: str) -> User:
    """Charge the attempt before comparing the code; the right code resets the counter.

    Raises CodeInvalid, and TooManyAttempts from the sixth attempt on, for unknown emails too. Beyond the attempts of an hour,
    by any client, no code works (TooManyWrongCodes), but the link still does.
    """
    code_attempts.count_code_attempt(Purpose.VERIFY_EMAIL, _attempt_key(email))
    code_attempts.count_account_attempt(Purpose.VERIFY_EMAIL, _attempt_key(email))
    user = User.objects.with_email(email)
    # The same query for unknown emails, so that the response time reveals nothing (ASVS 6.3.8).
    row = verification_codes.find_by_code(user=user or User(), purpose=Purpose.VERIFY_EMAIL, code=code)
    if user is None or not user.is_active or row is None:
        raise CodeInvalid
    with transaction.atomic():
        if not verification_codes.lock_user(user.id) or not verification_codes.consume(row):
            raise CodeInvalid
        prove(user, how="code")
        reset_attempts(email)
    return user


def reset_attempts(email: str) -> None:
    """Allow MAX_CODE_TRIES again: another code will be sent to the email, or the last one was right."""
    code_attempts.reset(Purpose.VERIFY_EMAIL, _attempt_key(email))


def expire_exhausted_code(*, user_id: uuid.UUID, email: str) -> None:
    """Expire the code, but not the link, if no attempt is left, so that resetting the counter cannot revive the code."""
    verification_codes.lock_user(user_id)
    exhausted = code_attempts.exhausted(Purpose.VERIFY_EMAIL, _attempt_key(email))
    codes = VerificationCode.objects.filter(user_id=user_id, purpose=Purpose.VERIFY_EMAIL, used_at=None)
    codes.filter(Exists(exhausted)).update(code_expires_at=datetime.now(UTC))


def _attempt_key(email: str) -> str:
    return email_key_or_none(email) or email


def verify_by_link(*, email: str, token: str) -> User:
    """Verify by the link's token. Idempotent while the token is valid.

    Raises TokenInvalid, and UserNotFound unless PREVENT_ENUMERATION hides it.
    """
    user = User.objects.with_email(email)
    if user is None:
        raise TokenInvalid if settings.PREVENT_ENUMERATION else UserNotFound
    row = verification_codes.find_by_token(token=token, purpose=Purpose.VERIFY_EMAIL)
    if row is None or row.user_id != user.id:
        raise TokenInvalid
    with transaction.atomic():
        prove(user, how="link")
        reset_attempts(email)
    return user


def prove(user: User, *, how: str, facts: Mapping[str, bool] | None = None) -> None:
    """Like `mark_verified`, for a user who has just proven the email, with an audit record."""
    if mark_verified(user):
        audit.record(
            AuditKind.EMAIL_VERIFIED, user_id=user.id, actor_id=user.id, facts={"how": how} | dict(facts or {})
        )


def mark_verified(user: User) -> bool:
    """Mark the email as verified, within the caller's transaction; return whether it was not verified before.

    The first verification sends the welcome email and uses up the codes. Raises TokenInvalid if the user's email has changed.
    """
    now = datetime.now(UTC)
    unchanged = User.objects.filter(id=user.id, email_key=user.email_key)
    first = unchanged.filter(email_verified_at=None).update(email_verified_at=now, updated_at=now)
    if not first and not unchanged.exists():
        raise TokenInvalid
    user.email_verified_at = user.email_verified_at or now
    if first:
        user.verification_codes.filter(purpose=Purpose.VERIFY_EMAIL, used_at=None).update(used_at=now)
        outbox.welcome(user)
    return bool(first)


def resend(*, email: str) -> None:
    """Queue another code and invalidate the former one. Raises UserNotFound, EmailAlreadyVerified, RateLimited.

    With PREVENT_ENUMERATION an unknown or verified email looks like any other, and takes as long.
    """
    user = User.objects.with_email(email)
    receiver = user if user is not None and user.is_active and not user.email_verified else None
    if receiver is None and not settings.PREVENT_ENUMERATION:
        if user is None:
            resend_cooldown.ensure_elapsed(email)
        raise EmailAlreadyVerified if user is not None and user.email_verified else UserNotFound
    resend_cooldown.start(email)
    receiver_id = receiver.id if receiver else new_id()
    with transaction.atomic():
        verification_codes.lock_user(receiver_id)
        verification_codes.invalidate(user_id=receiver_id, purposes=[Purpose.VERIFY_EMAIL])
        reset_attempts(email)
        if receiver is not None:
            outbox.verification(receiver)
        else:
            outbox.write_dummy_verification()
