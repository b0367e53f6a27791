"""The side effects when an administrator changes an account: sessions end, codes are invalidated, emails are sent."""

import uuid
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from accounts.mail import outbox
from accounts.models import Purpose, User
from accounts.services import email_change, email_verification, pending_logins, recent_proof, registration_claims
from accounts.services.recent_proof import RecentProof
from accounts.verification import verification_codes
from core.api.exceptions import NotFound
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal_cache.replacement import refresh_cached_principals


def send_onboarding_email(user: User) -> None:
    """Send a new user the welcome email, or what opens the account. Call within the transaction that creates the user."""
    if user.is_active and user.has_usable_password() and user.email_verified:
        outbox.welcome(user)
    else:
        _send_invitation_or_verification(user)


def apply_changes(
    before: User,
    values: Mapping[str, Any],
    *,
    email_verified: bool | None,
    actor_id: uuid.UUID | None,
    proof: RecentProof | None = None,
) -> User:
    """Write `values`, columns of the user, with all side effects. The caller's transaction holds a lock on the row.

    `actor_id` is None for a command. Raises PermissionDenied for actors who change their own email or password without a proof.
    """
    after = copy(before)
    for name, value in values.items():
        setattr(after, name, value)
    is_moved = after.email_key != before.email_key
    if email_verified is False or (is_moved and not email_verified):
        after.email_verified_at = None
    claimed = copy(after)
    if email_verified:
        claimed.email_verified_at = after.email_verified_at or datetime.now(UTC)
    recent_proof.require_for_change(before, claimed, actor_id=actor_id, proof=proof)
    if not _is_changed(before, after, values):
        after.updated_at = before.updated_at
    elif User.objects.filter(id=before.id).update(**values, email_verified_at=after.email_verified_at) != 1:
        raise NotFound
    _update_email(before, after, is_proven=email_verified is True)
    _update_sessions(before, after, values)
    return after


def _is_changed(before: User, after: User, values: Mapping[str, Any]) -> bool:
    """Return whether a column differs, apart from the time of the change itself."""
    names = (values.keys() - {"updated_at"}) | {"email_verified_at"}
    return any(getattr(before, name) != getattr(after, name) for name in names)


def after_password_set(before: User, after: User, *, actor_id: uuid.UUID) -> None:
    """Do for a password that the admin has written what `apply_changes` does. The sessions have ended with the write.

    Raises PermissionDenied for actors who set their own password, because `passwords.change` requires the current one.
    """
    recent_proof.require_for_change(before, after, actor_id=actor_id, proof=None)
    _after_password_changed(after)
    if _became_usable(before, after):
        _send_invitation_or_verification(after)


def _after_password_changed(user: User) -> None:
    outbox.cancel_resets(user)
    registration_claims.remove(user.email)
    outbox.password_changed_by_admin(user)


def _update_email(before: User, after: User, *, is_proven: bool) -> None:
    """Invalidate codes and links for the previous email, and start the verification of a new one."""
    is_moved = after.email_key != before.email_key
    if is_moved:
        _after_email_changed(before, after)
    elif before.email_verified and not after.email_verified:
        verification_codes.invalidate(user_id=after.id, purposes=list(Purpose))
    if is_proven and not after.email_verified:
        email_verification.mark_verified(after)
    if is_moved or _became_usable(before, after):
        _send_invitation_or_verification(after)


def _after_email_changed(before: User, after: User) -> None:
    verification_codes.invalidate(user_id=after.id, purposes=list(Purpose))
    email_change.close(user_id=after.id)
    registration_claims.remove(before.email)
    if before.email_verified:
        outbox.email_changed_by_admin(after, old_email=before.email)


def _became_usable(before: User, after: User) -> bool:
    """Return whether a user who could not sign in, being inactive or without a password, now can."""
    return (after.is_active and not before.is_active) or (
        after.has_usable_password() and not before.has_usable_password()
    )


def _send_invitation_or_verification(user: User) -> None:
    """Send the email that opens the account: the invitation, or the code; none if the user needs neither."""
    if not user.is_active or not user.email:
        return
    if not user.has_usable_password():
        outbox.invitation(user)
    elif not user.email_verified and settings.EMAIL_VERIFICATION != "none":
        email_verification.reset_attempts(user.email)
        outbox.verification(user)


def _update_sessions(before: User, after: User, values: Mapping[str, Any]) -> None:
    """Revoke or refresh the sessions, even if nothing changed: a first request may have died between commit and Redis."""
    if after.password != before.password:
        sessions.revoke_all(user_id=after.id, reason=RevokedReason.PASSWORD_CHANGED)
        _after_password_changed(after)
    if not after.is_active:
        sessions.revoke_all(user_id=after.id, reason=RevokedReason.ACCOUNT_DEACTIVATED)
        pending_logins.cancel_all(user_id=after.id)
    elif "role" in values or "username" in values:
        refresh_cached_principals(user_id=after.id)
