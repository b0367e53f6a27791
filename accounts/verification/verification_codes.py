"""Emailed codes and links: issued by the worker while it composes the email, checked by the services, stored nowhere.

A code or token is an HMAC of a row's id under a key of its purpose. Nothing in the database, the broker or a backup can be
turned into one (ASVS 6.5.2), and a retry of the same email carries the same code. The row is a VerificationCode, or the
EmailChange that the code confirms and the link undoes: that row holds their lifetimes, so that one statement decides.
"""

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import EmailChange, OutboxEmail, Purpose, User, VerificationCode
from accounts.tokens.signing import hmac_digest, hmac_hexdigest, sign_id, unsign_id

# A reset ends what the old password allowed, and a login by a code that was requested before it.
_BOUND_TO_PASSWORD = frozenset({Purpose.RESET_PASSWORD, Purpose.LOGIN})


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """`code` is six ASCII digits; `token` is URL-safe text."""

    code: str
    token: str


def issue(
    *,
    user: User,
    purpose: Purpose,
    email: OutboxEmail,
    token_lifetime: timedelta,
    code_lifetime: timedelta | None = None,
    supersedes: bool = True,
    session_id: str = "",
) -> IssuedCode:
    """Create or find the code of this email and start its lifetime: of the code, by default VERIFICATION_CODE_LIFETIME.

    If it `supersedes`, invalidate the codes of earlier emails. The code of a later email stays valid: a worker that was slow
    with this email must not invalidate the code that arrives last. `session_id` binds the code to a session.
    """
    now = datetime.now(UTC)
    lifetimes = {
        "code_expires_at": now + (code_lifetime or settings.VERIFICATION_CODE_LIFETIME),
        "token_expires_at": now + token_lifetime,
    }
    binding = _binding(user, purpose, session_id)
    with transaction.atomic():
        lock_user(user.id)
        if supersedes:
            _invalidate_earlier(user_id=user.id, purpose=purpose, email=email)
        row, _ = VerificationCode.objects.update_or_create(
            email=email,
            defaults=lifetimes,
            create_defaults=lifetimes | {"user": user, "purpose": purpose, "binding": binding, "created_at": now},
        )
    return IssuedCode(code=_code(purpose, row.id), token=sign_id(_token_key(purpose), row.id))


def issue_change_code(change_id: uuid.UUID) -> str | None:
    """Start the lifetime of the code that confirms an email change, or return None if the change is no longer pending."""
    expires_at = datetime.now(UTC) + settings.VERIFICATION_CODE_LIFETIME
    if not EmailChange.objects.pending().filter(id=change_id).update(code_expires_at=expires_at):
        return None
    return _code(Purpose.CHANGE_EMAIL, change_id)


def issue_undo_token(change_id: uuid.UUID) -> str | None:
    """Start the lifetime of the link that undoes an email change, or return None if there is nothing to undo."""
    expires_at = datetime.now(UTC) + settings.UNDO_EMAIL_CHANGE_LIFETIME
    if not EmailChange.objects.open().filter(id=change_id).update(undo_expires_at=expires_at):
        return None
    return sign_id(_token_key(Purpose.UNDO_EMAIL_CHANGE), change_id)


def lock_user(user_id: uuid.UUID) -> bool:
    """Lock the user's row, within the caller's transaction; return whether the user exists and is active.

    Every transaction that writes codes locks the user first. The other order could deadlock: at the commit, the foreign keys
    of new rows need the user's row.
    """
    return bool(User.objects.select_for_update().filter(id=user_id).values_list("is_active", flat=True).first())


def invalidate(*, user_id: uuid.UUID, purposes: Iterable[Purpose]) -> None:
    _valid(user_id, purposes).update(invalidated_at=datetime.now(UTC))


def invalidate_of_email(email: OutboxEmail) -> None:
    """Invalidate the code of an email that will not be sent, because a later email carries the valid code."""
    VerificationCode.objects.filter(email=email, invalidated_at=None).update(invalidated_at=datetime.now(UTC))


def find_by_token(*, token: str, purpose: Purpose) -> VerificationCode | None:
    """Return the valid row of a link's token, with its user. `consume` uses it up."""
    row_id = unsign_id(_token_key(purpose), token)
    if row_id is None:
        return None
    rows = VerificationCode.objects.select_related("user").filter(purpose=purpose, invalidated_at=None)
    row = rows.filter(id=row_id, token_expires_at__gt=datetime.now(UTC), user__is_active=True).first()
    return row if row is not None and _matches_binding(row) else None


def find_by_code(*, user: User, purpose: Purpose, code: str, session_id: str = "") -> VerificationCode | None:
    """Return the user's unused row with this code, compared in constant time.

    Two rows may exist briefly while two workers compose two emails: only one of the codes is ever sent.
    """
    unused = VerificationCode.objects.select_related("user").filter(
        user=user, purpose=purpose, invalidated_at=None, used_at=None, code_expires_at__gt=datetime.now(UTC)
    )
    matching = [row for row in unused if _equals(_code(purpose, row.id), code)]
    return matching[0] if matching and _matches_binding(matching[0], session_id) else None


def find_of_email(*, email_id: uuid.UUID, purpose: Purpose) -> VerificationCode | None:
    """Return the row of an email, with its user, in any state. `is_code_of` and `is_token_of` check it."""
    return VerificationCode.objects.select_related("user").filter(email_id=email_id, purpose=purpose).first()


def is_code_of(row: VerificationCode, code: str) -> bool:
    """Return whether this is the row's code, unexpired and compared in constant time. `consume` checks that it is unused."""
    is_equal = _equals(_code(Purpose(row.purpose), row.id), code)
    return is_equal and row.code_expires_at > datetime.now(UTC)


def is_token_of(row: VerificationCode, token: str) -> bool:
    """Return whether this is the token of the row's link, unexpired. `consume` checks that it is unused."""
    is_equal = unsign_id(_token_key(Purpose(row.purpose)), token) == row.id
    return is_equal and row.token_expires_at > datetime.now(UTC)


def is_bound_to(row: VerificationCode, user: User) -> bool:
    """Return whether the user still has the email and, for a login, the password for which the code was issued."""
    return hmac.compare_digest(row.binding, _binding(user, Purpose(row.purpose)))


def is_change_code(change: EmailChange, code: str) -> bool:
    """Return whether this unexpired code confirms the email change, compared in constant time."""
    if change.code_expires_at is None or change.code_expires_at <= datetime.now(UTC):
        return False
    return _equals(_code(Purpose.CHANGE_EMAIL, change.id), code)


def find_change_by_undo_token(token: str) -> EmailChange | None:
    """Return the email change that the link of this token can still undo."""
    change_id = unsign_id(_token_key(Purpose.UNDO_EMAIL_CHANGE), token)
    return EmailChange.objects.undoable(datetime.now(UTC)).filter(id=change_id).first() if change_id else None


def consume(row: VerificationCode) -> bool:
    """Use the code up; return True for one caller only, however many race."""
    unused = VerificationCode.objects.filter(id=row.id, used_at=None, invalidated_at=None)
    return unused.update(used_at=datetime.now(UTC)) == 1


def _invalidate_earlier(*, user_id: uuid.UUID, purpose: Purpose, email: OutboxEmail) -> None:
    """Invalidate the codes of emails created before this one, and of deleted emails."""
    earlier = _valid(user_id, [purpose]).exclude(email_id=email.id).exclude(email__created_at__gt=email.created_at)
    earlier.update(invalidated_at=datetime.now(UTC))


def _valid(user_id: uuid.UUID, purposes: Iterable[Purpose]) -> QuerySet[VerificationCode]:
    return VerificationCode.objects.filter(user_id=user_id, purpose__in=list(purposes), invalidated_at=None)


def _matches_binding(row: VerificationCode, session_id: str = "") -> bool:
    return hmac.compare_digest(row.binding, _binding(row.user, Purpose(row.purpose), session_id))


def _binding(user: User, purpose: Purpose, session_id: str = "") -> str:
    """Bind every code to the email, and some to the current password as well: changing either invalidates the code."""
    password = user.password if purpose in _BOUND_TO_PASSWORD else ""
    session = (session_id,) if session_id else ()
    return hmac_hexdigest("verification-code.binding", user.email_key or "", password, *session)


def _code(purpose: Purpose, row_id: uuid.UUID) -> str:
    return f"{int.from_bytes(hmac_digest(f'verification-code.{purpose}', str(row_id))) % 1_000_000:06d}"


def _token_key(purpose: Purpose) -> str:
    return f"verification-token.{purpose}"


def _equals(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
