"""What follows from a change of somebody's account by an administrator: sessions end, secrets die, emails go out."""

import uuid
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from accounts.mail import outbox
from accounts.mfa.flows import challenges
from accounts.models import Purpose, User
from accounts.services import email_change, email_verification, reauthentication, registration_claims
from accounts.services.reauthentication import RecentProof
from accounts.verification import verification_codes
from core.api.exceptions import NotFound
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason


def announce(user: User) -> None:
    """Tells a new user of the account, within the transaction that makes it."""
    if user.is_active and user.has_usable_password() and user.email_verified:
        outbox.welcome(user)
    else:
        _ask_for_proof(user)


def apply(
    before: User,
    values: Mapping[str, Any],
    *,
    email_verified: bool | None,
    actor_id: uuid.UUID | None,
    proof: RecentProof | None = None,
) -> User:
    """Writes `values`, columns of the user, and all that follows. The caller's transaction holds a lock on the row.

    `actor_id` is None for a command. Raises PermissionDenied for actors who change their own email or password without a proof.
    """
    after = copy(before)
    for name, value in values.items():
        setattr(after, name, value)
    moved = after.email_key != before.email_key
    if email_verified is False or (moved and not email_verified):
        after.email_verified_at = None
    claimed = copy(after)
    if email_verified:
        claimed.email_verified_at = after.email_verified_at or datetime.now(UTC)
    reauthentication.require(before, claimed, actor_id=actor_id, proof=proof)
    if not _is_changed(before, after, values):
        after.updated_at = before.updated_at
    elif User.objects.filter(id=before.id).update(**values, email_verified_at=after.email_verified_at) != 1:
        raise NotFound
    _settle_address(before, after, is_proven=email_verified is True)
    _settle_sessions(before, after, values)
    return after


def _is_changed(before: User, after: User, values: Mapping[str, Any]) -> bool:
    """Return whether a column differs, apart from the time of the change itself."""
    names = (values.keys() - {"updated_at"}) | {"email_verified_at"}
    return any(getattr(before, name) != getattr(after, name) for name in names)


def settle_password(before: User, after: User, *, actor_id: uuid.UUID) -> None:
    """For a password that Django's admin has written: its sessions ended with it, the rest is as after `apply`.

    Raises PermissionDenied for actors who set their own: `passwords.change` asks for the current one.
    """
    reauthentication.require(before, after, actor_id=actor_id, proof=None)
    outbox.cancel_resets(after)
    registration_claims.remove(after.email)
    outbox.password_changed_by_admin(after)
    if _opens(before, after):
        _ask_for_proof(after)


def _settle_address(before: User, after: User, *, is_proven: bool) -> None:
    """A secret that went to the former address opens nothing any more; a new address has to be proven again."""
    moved = after.email_key != before.email_key
    if moved:
        leave_address(before, after)
    elif before.email_verified and not after.email_verified:
        verification_codes.invalidate(user_id=after.id, purposes=list(Purpose))
    if is_proven and not after.email_verified:
        email_verification.mark_verified(after)
    if moved or _opens(before, after):
        _ask_for_proof(after)


def leave_address(before: User, after: User) -> None:
    """What was mailed to the former address opens nothing any more; whoever proved it hears of the change."""
    verification_codes.invalidate(user_id=after.id, purposes=list(Purpose))
    email_change.close(user_id=after.id)
    registration_claims.remove(before.email)
    if before.email_verified:
        outbox.email_changed_by_admin(after, old_email=before.email)


def _opens(before: User, after: User) -> bool:
    """Whether somebody who could not sign in, inactive or invited and without a password, now can."""
    return (after.is_active and not before.is_active) or (
        after.has_usable_password() and not before.has_usable_password()
    )


def _ask_for_proof(user: User) -> None:
    """Mails what opens the account to whoever reads that address: an invitation, or the code; nothing where neither is needed."""
    if not user.is_active or not user.email:
        return
    if not user.has_usable_password():
        outbox.invitation(user)
    elif not user.email_verified and settings.EMAIL_VERIFICATION != "none":
        email_verification.reset_attempts(user.email)
        outbox.verification(user)


def _settle_sessions(before: User, after: User, values: Mapping[str, Any]) -> None:
    """Said again, it is done again: who said it first may have died between the commit and Redis."""
    if after.password != before.password:
        sessions.revoke_all(user_id=after.id, reason=RevokedReason.PASSWORD_CHANGED)
        outbox.cancel_resets(after)
        registration_claims.remove(after.email)
        outbox.password_changed_by_admin(after)
    if not after.is_active:
        sessions.revoke_all(user_id=after.id, reason=RevokedReason.ACCOUNT_DEACTIVATED)
        challenges.end_all(user_id=after.id)
    elif "role" in values or "username" in values:
        sessions.refresh_cached_principals(user_id=after.id)
