"""What the audit says of a change that an administrator made to somebody's account, by whichever door."""

import uuid

from accounts import audit
from accounts.models import AuditKind, User

_FIELDS = {
    "email": "email",
    "username": "username",
    "password": "password",
    "first_name": "firstName",
    "last_name": "lastName",
    "language": "language",
    "is_staff": "isStaff",
    "is_superuser": "isSuperuser",
}


def note_creation(user: User, *, actor_id: uuid.UUID | None) -> None:
    """Within the transaction that makes the user."""
    facts: dict[str, str | bool] = {"role": str(user.role), "invited": not user.has_usable_password()}
    audit.record(AuditKind.USER_CREATED, user_id=user.id, actor_id=actor_id, facts=facts)


def note_change(before: User, after: User, *, actor_id: uuid.UUID | None) -> None:
    """A row for what became of the role, one for the activity, and one that names the other fields, never their values."""
    if after.role != before.role:
        facts = {"from": str(before.role), "to": str(after.role)}
        audit.record(AuditKind.ROLE_CHANGED, user_id=after.id, actor_id=actor_id, facts=facts)
    _note_activity(before, after, actor_id=actor_id)
    fields = [name for column, name in _FIELDS.items() if getattr(after, column) != getattr(before, column)]
    if after.email_verified != before.email_verified:
        fields.append("emailVerified")
    if fields:
        facts = {"fields": ", ".join(fields)}
        audit.record(AuditKind.USER_CHANGED, user_id=after.id, actor_id=actor_id, facts=facts)


def _note_activity(before: User, after: User, *, actor_id: uuid.UUID | None) -> None:
    if after.is_active and not before.is_active:
        audit.record(AuditKind.USER_REACTIVATED, user_id=after.id, actor_id=actor_id)
    elif not after.is_active and (before.is_active or after.deactivation_reason != before.deactivation_reason):
        facts = {"reason": after.deactivation_reason}
        audit.record(AuditKind.USER_DEACTIVATED, user_id=after.id, actor_id=actor_id, facts=facts)
