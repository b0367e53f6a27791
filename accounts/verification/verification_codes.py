"""Codes and links that are mailed: issued by the worker, checked by the services, stored by neither.

Code and token are HMACs of the row's id under the server's key. Nothing in the database, the broker or a backup can be
turned into one (ASVS 6.5.2), and a second try of the same email carries the very same code.
"""

import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.keyed_hash import digest, hexdigest
from accounts.models import EmailKind, OutboxEmail, Purpose, User, VerificationCode
from accounts.tokens.signed_ids import seal, unseal

_TOKEN = "one-time-secret.token"


@dataclass(frozen=True, slots=True)
class Issued:
    """`code` is six ASCII digits; `token` is URL-safe text."""

    code: str
    token: str


def issue(*, user: User, purpose: Purpose, email: OutboxEmail) -> Issued:
    """The secret that this email carries, made or found, its lifetime counted from now. Those of earlier emails die.

    A secret of a later email stays: a worker that was slow with this one must not end the code that arrives last.
    """
    now = datetime.now(UTC)
    lifetimes = {
        "code_expires_at": now + settings.VERIFICATION_CODE_LIFETIME,
        "token_expires_at": now + _token_lifetime(purpose, email),
    }
    with transaction.atomic():
        lock_user(user.id)
        _supersede_earlier(user_id=user.id, purpose=purpose, email=email)
        secret, _ = VerificationCode.objects.update_or_create(
            email=email,
            defaults=lifetimes,
            create_defaults=lifetimes
            | {"user": user, "purpose": purpose, "bound_to": _binding(user, purpose), "created_at": now},
        )
    return Issued(code=_code(secret.id), token=seal(_TOKEN, secret.id))


def lock_user(user_id: uuid.UUID) -> bool:
    """Lock the user's row, within the caller's transaction; return whether the user exists and is active.

    Every transaction that writes secrets locks the user first. In the other order, it could wait for one that waits for it:
    at the commit, the foreign keys of new rows need the user's row.
    """
    return bool(User.objects.select_for_update().filter(id=user_id).values_list("is_active", flat=True).first())


def _token_lifetime(purpose: Purpose, email: OutboxEmail) -> timedelta:
    if email.kind == EmailKind.INVITATION:
        return settings.INVITATION_LIFETIME
    return settings.RESET_TOKEN_LIFETIME if purpose == Purpose.RESET_PASSWORD else settings.VERIFICATION_LINK_LIFETIME


def supersede(*, user_id: uuid.UUID, purposes: Iterable[Purpose]) -> None:
    """Ends the open secrets of a user."""
    _open(user_id, purposes).update(superseded_at=datetime.now(UTC))


def _supersede_earlier(*, user_id: uuid.UUID, purpose: Purpose, email: OutboxEmail) -> None:
    """Ends the open secrets of the emails before this one, and of those whose email was removed."""
    earlier = _open(user_id, [purpose]).exclude(email_id=email.id).exclude(email__created_at__gt=email.created_at)
    earlier.update(superseded_at=datetime.now(UTC))


def withdraw(*, email: OutboxEmail) -> None:
    """Ends the secret of an email that is not sent, because a later one carries the secret that is valid."""
    VerificationCode.objects.filter(email=email, superseded_at=None).update(superseded_at=datetime.now(UTC))


def _open(user_id: uuid.UUID, purposes: Iterable[Purpose]) -> QuerySet[VerificationCode]:
    return VerificationCode.objects.filter(user_id=user_id, purpose__in=list(purposes), superseded_at=None)


def find_by_token(*, token: str, purpose: Purpose) -> VerificationCode | None:
    """The live secret behind a link's token, its user beside it. Using it up is for `consume`."""
    secret_id = unseal(_TOKEN, token)
    if secret_id is None:
        return None
    found = (
        VerificationCode.objects.select_related("user")
        .filter(
            id=secret_id,
            purpose=purpose,
            superseded_at=None,
            token_expires_at__gt=datetime.now(UTC),
            user__is_active=True,
        )
        .first()
    )
    return found if found is not None and _is_still_bound(found) else None


def find_by_code(*, user: User, purpose: Purpose, code: str) -> VerificationCode | None:
    """The unused secret of the user whose code this is, compared in constant time.

    For a moment there may be two, of two emails that two workers compose at once: only one of their codes is ever sent.
    """
    unused = VerificationCode.objects.select_related("user").filter(
        user=user, purpose=purpose, superseded_at=None, used_at=None, code_expires_at__gt=datetime.now(UTC)
    )
    matching = [secret for secret in unused if hmac.compare_digest(_code(secret.id).encode(), code.encode())]
    return matching[0] if matching and _is_still_bound(matching[0]) else None


def consume(secret: VerificationCode) -> bool:
    """Uses the secret up; True for the one caller that did, of however many raced."""
    return (
        VerificationCode.objects.filter(id=secret.id, used_at=None, superseded_at=None).update(
            used_at=datetime.now(UTC)
        )
        == 1
    )


def _is_still_bound(secret: VerificationCode) -> bool:
    return hmac.compare_digest(secret.bound_to, _binding(secret.user, Purpose(secret.purpose)))


def _binding(user: User, purpose: Purpose) -> str:
    """A reset dies with the password that it was asked for; both die with the address."""
    password = user.password if purpose == Purpose.RESET_PASSWORD else ""
    return hexdigest("one-time-secret.binding", user.email_key or "", password)


def _code(secret_id: uuid.UUID) -> str:
    return f"{int.from_bytes(digest('one-time-secret.code', str(secret_id))) % 1_000_000:06d}"
