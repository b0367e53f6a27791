"""Proves that an address is its user's: by the code, by the link, or by a password reset that arrived there."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import one_time_secrets
from accounts.exceptions import CodeInvalid, EmailAlreadyVerified, TooManyAttempts, UserNotFound
from accounts.identity import email_key_or_none
from accounts.keyed_hash import hexdigest
from accounts.mail import outbox
from accounts.models import CodeTries, Purpose, User
from config.api.exceptions import RateLimited, TokenInvalid


def verify_by_code(*, email: str, code: str) -> User:
    """Counts the try before it looks, so that parallel guesses cannot outrun the count; a right code takes the count away.

    Raises CodeInvalid, and from the sixth try on TooManyAttempts, for addresses that nobody has too.
    """
    key = tries_key(email)
    _count_try(key)
    user = User.objects.with_email(email)
    secret = (
        one_time_secrets.find_by_code(user=user, purpose=Purpose.VERIFY_EMAIL, code=code)
        if user and user.is_active
        else None
    )
    if user is None or secret is None:
        raise CodeInvalid
    with transaction.atomic():
        if not one_time_secrets.consume(secret):
            raise CodeInvalid
        mark_verified(user)
        forget_tries(email)
    return user


def tries_key(email: str) -> str:
    return hexdigest("code-tries", Purpose.VERIFY_EMAIL, email_key_or_none(email) or email)


def forget_tries(email: str) -> None:
    """Another code is on its way to the address, or the last one was right."""
    CodeTries.objects.filter(key=tries_key(email)).delete()


def _count_try(key: str) -> None:
    """Committed at once, whatever becomes of the request."""
    now = datetime.now(UTC)
    counted = CodeTries.objects.filter(key=key, tries__lt=settings.MAX_CODE_TRIES).update(
        tries=F("tries") + 1, updated_at=now
    )
    if counted:
        return
    try:
        with transaction.atomic():
            CodeTries.objects.create(key=key, tries=1, updated_at=now)
    except IntegrityError as error:  # it exists: used up, unless a racing first try has just made it
        if not CodeTries.objects.filter(key=key, tries__lt=settings.MAX_CODE_TRIES).update(
            tries=F("tries") + 1, updated_at=now
        ):
            raise TooManyAttempts from error


def verify_by_link(*, email: str, token: str) -> User:
    """Idempotent while the token lives. Raises TokenInvalid, and UserNotFound unless PREVENT_ENUMERATION hides who is known."""
    user = User.objects.with_email(email)
    if user is None:
        raise TokenInvalid if settings.PREVENT_ENUMERATION else UserNotFound
    secret = one_time_secrets.find_by_token(token=token, purpose=Purpose.VERIFY_EMAIL)
    if secret is None or secret.user_id != user.id:
        raise TokenInvalid
    with transaction.atomic():
        mark_verified(user)
        forget_tries(email)
    return user


def mark_verified(user: User) -> None:
    """Within the caller's transaction. The first success, by whichever door, sends the welcome; open codes die with it.

    Only the address that was proven: raises TokenInvalid where the user's is another by now.
    """
    now = datetime.now(UTC)
    same = User.objects.filter(id=user.id, email_key=user.email_key)
    first = same.filter(email_verified_at=None).update(email_verified_at=now, updated_at=now)
    if not first and not same.exists():
        raise TokenInvalid
    user.email_verified_at = user.email_verified_at or now
    if first:
        user.one_time_secrets.filter(purpose=Purpose.VERIFY_EMAIL, used_at=None).update(used_at=now)
        outbox.welcome(user)


def resend(*, email: str) -> None:
    """Promises another code; the former dies now. Raises UserNotFound, EmailAlreadyVerified, RateLimited.

    With PREVENT_ENUMERATION an address that is unknown or verified looks like any other.
    """
    user = User.objects.with_email(email)
    if user is None or user.email_verified or not user.is_active:
        if settings.PREVENT_ENUMERATION:
            _require_pause(email)
            forget_tries(email)
            return
        raise EmailAlreadyVerified if user is not None and user.email_verified else UserNotFound
    _require_pause(email)
    with transaction.atomic():
        one_time_secrets.supersede(user_id=user.id, purposes=[Purpose.VERIFY_EMAIL])
        forget_tries(email)
        outbox.verification(user)


def _require_pause(email: str) -> None:
    """Once a minute per address, whoever has it or not, so that the pause tells nothing; the letter of registration aside.

    The conditional UPDATE, or the key of the new row, lets one of any number of racers pass.
    """
    if not settings.RATE_LIMITS:
        return
    now = datetime.now(UTC)
    key = hexdigest("resend-pause", email_key_or_none(email) or email)
    asked = CodeTries.objects.filter(key=key)
    if asked.filter(updated_at__lte=now - settings.RESEND_PAUSE).update(updated_at=now):
        return
    try:
        with transaction.atomic():
            CodeTries.objects.create(key=key, updated_at=now)
    except IntegrityError as error:
        passed = now - (asked.values_list("updated_at", flat=True).first() or now)
        raise RateLimited(retry_after=int((settings.RESEND_PAUSE - passed).total_seconds()) + 1) from error
