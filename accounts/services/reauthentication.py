"""Requires the current password to change one's own email or password, so that a stolen access token cannot take over an account.

Step-up authentication belongs in this module, once the service has it.
"""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import ReauthenticationRequired
from accounts.models import User
from accounts.services import passwords
from core.api.exceptions import PermissionDenied, ValidationFailed
from sessions_tracking.authentication_context import AssuranceLevel
from sessions_tracking.principal import Principal

_REQUIRED = _("Enter your current password to change your own email or password.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentProof:
    """Proof that the user has just entered the password with this hash."""

    user_id: uuid.UUID
    password_hash: str


def require_recent(principal: Principal) -> None:
    """Raise ReauthenticationRequired unless the session's user authenticated within REAUTHENTICATION_MAX_AGE.

    A user who has a second factor must have proven it. Costs a query only if the session is at AAL1.
    """
    max_age = settings.REAUTHENTICATION_MAX_AGE
    if principal.has_aal2 and principal.context.meets(max_age=max_age):
        return
    if _has_second_factor(principal.id):
        raise ReauthenticationRequired(max_age=max_age, acr=AssuranceLevel.AAL2)
    if not principal.context.meets(max_age=max_age):
        raise ReauthenticationRequired(max_age=max_age)


def _has_second_factor(user_id: uuid.UUID) -> bool:
    return User.objects.filter(id=user_id, mfa_enabled=True).exists()


def prove(*, user: User, password: str | None, field: str) -> RecentProof:
    """Return the proof. Raises ValidationFailed without a password, and what `passwords.require_correct` raises."""
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
    """Raise PermissionDenied if a proof is needed and missing, or if the password has changed since it was entered.

    Every path on which an administrator writes these columns calls this function, so a path without a password prompt fails.
    """
    if not is_needed(before, after, actor_id=actor_id):
        return
    if proof is None or proof != RecentProof(user_id=before.id, password_hash=before.password):
        raise PermissionDenied
