"""The accounts of other users, for administrators: create, read, change and delete."""

import uuid
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.mail import outbox
from accounts.models import AuditKind, Role, User
from accounts.models.user_fields import ADMIN_FIELDS, identity_keys
from accounts.passwords import hashing
from accounts.services import identity_conflicts, passwords, recent_proof, registration_claims
from accounts.services.administration import audit_records, policy, side_effects
from accounts.services.recent_proof import RecentProof
from core.api.exceptions import NotFound, ValidationFailed
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal

# By these, an administrator could take over an account, or give away rights.
SENSITIVE_FIELDS = frozenset({"email", "email_verified", "password", "role"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user without a password is invited by email to set one.

    `profile` holds values of PROFILE_FIELDS. `email` is None only if EMAIL_VERIFICATION is `none`.
    """

    email: str | None
    password: str | None = None
    role: str = Role.USER
    is_active: bool = True
    email_verified: bool = False
    profile: Mapping[str, Any] = field(default_factory=dict)


def get(*, user_id: uuid.UUID) -> User:
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound
    return user


def create(new: NewUser, *, actor_id: uuid.UUID) -> User:
    """Create the user and send the email that opens the account. Raises ValidationFailed, EmailTaken, UsernameTaken."""
    now = datetime.now(UTC)
    user = User(email=new.email, role=new.role, is_active=new.is_active, **new.profile)
    user.deactivated_at = None if new.is_active else now
    user.email_verified_at = now if new.email_verified else None
    if new.password is not None:
        passwords.require_acceptable(new.password, user=user, field="password")
    user.password = hashing.make(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            side_effects.send_onboarding_email(user)
            audit_records.record_creation(user, actor_id=actor_id)
    except IntegrityError as error:
        raise identity_conflicts.find_conflict(user) from error
    return user


def confirm_change(
    *, principal: Principal, user_id: uuid.UUID, changes: Mapping[str, Any], current_password: str | None
) -> RecentProof | None:
    """Require a recent proof for SENSITIVE_FIELDS of another user; return a proof if administrators change their own.

    `current_password` is ignored for other changes. Raises ReauthenticationRequired; NotFound; and as
    `recent_proof.confirm` (`currentPassword`).
    """
    if principal.id != user_id:
        if not changes.keys().isdisjoint(SENSITIVE_FIELDS):
            recent_proof.require_recent(principal)
        return None
    user = get(user_id=user_id)
    if not recent_proof.is_needed(user, _with_credentials(user, changes), actor_id=principal.id):
        return None
    return recent_proof.confirm(user=user, principal=principal, password=current_password, field="currentPassword")


def update(
    *, actor_id: uuid.UUID, user_id: uuid.UUID, changes: Mapping[str, Any], proof: RecentProof | None = None
) -> User:
    """Set ADMIN_FIELDS, the password, `email_verified` or `deactivation_reason`, with all side effects.

    `proof` is required if administrators change their own email or password.
    Raises as `policy.lock_for_change` and `recent_proof.require_for_change`; ValidationFailed (`password`, `deactivationReason`),
    EmailTaken, UsernameTaken.
    """
    user = get(user_id=user_id)
    values: dict[str, Any] = {name: changes[name] for name in ADMIN_FIELDS if name in changes}
    values |= identity_keys(values) | {"updated_at": datetime.now(UTC)}
    for name, value in values.items():
        setattr(user, name, value)
    if "password" in changes:  # hashed before a row is locked, because that takes long
        passwords.require_acceptable(changes["password"], user=user, field="password")
        values["password"] = hashing.make(changes["password"])
    try:
        return _write(user_id, values, changes, actor_id=actor_id, proof=proof)
    except IntegrityError as error:
        raise identity_conflicts.find_conflict(user) from error


@transaction.atomic
def _write(
    user_id: uuid.UUID,
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    actor_id: uuid.UUID,
    proof: RecentProof | None,
) -> User:
    before = policy.lock_for_change(actor_id=actor_id, user_id=user_id, is_demotion=policy.is_demotion(changes))
    reason = changes.get("deactivation_reason")
    if "is_active" in changes or reason is not None:
        is_active = changes.get("is_active", before.is_active)
        values = {**values, **activity_columns(before, is_active=is_active, reason=reason)}
    after = side_effects.apply_changes(
        before, values, email_verified=changes.get("email_verified"), actor_id=actor_id, proof=proof
    )
    audit_records.record_change(before, after, actor_id=actor_id)
    return after


def _with_credentials(user: User, changes: Mapping[str, Any]) -> User:
    """Return a copy with the changed email, verification and password; any new password differs from the old hash."""
    changed = copy(user)
    changed.email = changes.get("email", user.email)
    changed.password = "" if "password" in changes else user.password
    is_verified = changes.get("email_verified", user.email_verified)
    changed.email_verified_at = (user.email_verified_at or datetime.now(UTC)) if is_verified else None
    return changed


def activity_columns(before: User, *, is_active: bool, reason: str | None) -> dict[str, Any]:
    """Return the columns that follow from `is_active`. A repeated deactivation keeps its time, and its reason for None.

    Raises ValidationFailed (`deactivationReason`) for an active account with a reason.
    """
    if is_active:
        if reason is not None:
            raise ValidationFailed(errors={"deactivationReason": [_("Only allowed for a deactivated account.")]})
        return {"deactivated_at": None, "deactivation_reason": ""}
    if before.is_active or before.deactivated_at is None:
        now = datetime.now(UTC)  # sessions of the admin stay ended after a reactivation, too
        return {"deactivated_at": now, "signed_out_at": now, "deactivation_reason": reason or ""}
    return {} if reason is None else {"deactivation_reason": reason}


def delete(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Delete the account with its sessions, and notify its owner. Raises as `policy.lock_for_change`."""
    with transaction.atomic():
        user = policy.lock_for_change(actor_id=actor_id, user_id=user_id, is_demotion=True)
        outbox.account_deleted(user)
        registration_claims.remove(user.email)
        sessions.revoke_all(user_id=user_id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=user_id, actor_id=actor_id)
        user.delete()
