"""The proof that changes of one's own email or password need: a stolen access token must not take an account over.

The proof is the current password. Step-up authentication, once there is one, goes in here and nowhere else.
"""

import uuid
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services import passwords
from core.api.exceptions import PermissionDenied, ValidationFailed

_REQUIRED = _("Enter your current password to change your own email or password.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentProof:
    """Proof that a user has just given the password whose hash this is."""

    user_id: uuid.UUID
    password_hash: str


def give(*, user: User, password: str | None, field: str) -> RecentProof:
    """Return the proof. Raises ValidationFailed without a password, and as `passwords.require_correct`."""
    if password is None:
        raise ValidationFailed(errors={field: [_REQUIRED]})
    passwords.require_correct(password, user=user, field=field)
    return RecentProof(user_id=user.id, password_hash=user.password)


def is_needed(before: User, after: User, *, actor_id: uuid.UUID | None) -> bool:
    """Return whether the actor changes the email, its verification or the password of their own account."""
    if actor_id != before.id:
        return False
    return (before.email, before.email_verified_at is None, before.password) != (
        after.email,
        after.email_verified_at is None,
        after.password,
    )


def require(before: User, after: User, *, actor_id: uuid.UUID | None, proof: RecentProof | None) -> None:
    """Raises PermissionDenied where a proof is needed and missing, or the password has changed since it was given.

    Every path that writes these columns for an administrator ends here, so that one which asks for no password is refused.
    """
    if not is_needed(before, after, actor_id=actor_id):
        return
    if proof is None or proof != RecentProof(user_id=before.id, password_hash=before.password):
        raise PermissionDenied
