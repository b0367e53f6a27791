"""The audit events of changes that administrators make. Call within the transaction of the change."""

import uuid
from typing import Any

from django.contrib.auth.models import Group

from accounts import audit
from accounts.models import AuditKind, User
from accounts.models.user_fields import AUDITED_FIELDS, api_name

PermissionNames = frozenset[str]


def record_creation(user: User, *, actor_id: uuid.UUID | None) -> None:
    facts: dict[str, str | bool] = {"role": str(user.role), "invited": not user.has_usable_password()}
    audit.record(AuditKind.USER_CREATED, user_id=user.id, actor_id=actor_id, facts=facts)


def record_change(before: User, after: User, *, actor_id: uuid.UUID | None) -> None:
    """Record an event for the role, one for the activity, and one that names the other fields, never their values."""
    if after.role != before.role:
        facts = {"from": str(before.role), "to": str(after.role)}
        audit.record(AuditKind.ROLE_CHANGED, user_id=after.id, actor_id=actor_id, facts=facts)
    _record_activity(before, after, actor_id=actor_id)
    fields = [api_name(field) for field in AUDITED_FIELDS if getattr(after, field) != getattr(before, field)]
    if after.email_verified != before.email_verified:
        fields.append("emailVerified")
    if fields:
        facts = {"fields": ", ".join(fields)}
        audit.record(AuditKind.USER_CHANGED, user_id=after.id, actor_id=actor_id, facts=facts)


def _record_activity(before: User, after: User, *, actor_id: uuid.UUID | None) -> None:
    if after.is_active and not before.is_active:
        audit.record(AuditKind.USER_REACTIVATED, user_id=after.id, actor_id=actor_id)
    elif not after.is_active and (before.is_active or after.deactivation_reason != before.deactivation_reason):
        facts = {"reason": after.deactivation_reason}
        audit.record(AuditKind.USER_DEACTIVATED, user_id=after.id, actor_id=actor_id, facts=facts)


def get_user_permissions(user: User) -> PermissionNames:
    """Return the user's groups and own permissions. Those of the groups are in the events of the groups."""
    groups = {f"group {name}" for name in user.groups.values_list("name", flat=True)}
    return frozenset(groups) | _names(user.user_permissions)


def get_group_permissions(group: Group) -> PermissionNames:
    return _names(group.permissions)


def record_user_permissions(user: User, before: PermissionNames, *, actor_id: uuid.UUID) -> None:
    changes = _differences(before, get_user_permissions(user))
    if changes:
        facts = {"fields": "permissions"} | changes
        audit.record(AuditKind.USER_CHANGED, user_id=user.id, actor_id=actor_id, facts=facts)


def record_group(group: Group, before: PermissionNames | None, *, former_name: str, actor_id: uuid.UUID) -> None:
    """Record a new group, if `before` is None, or a change of its name or permissions."""
    facts = {"group": group.name} | _differences(before or frozenset(), get_group_permissions(group))
    if former_name != group.name:
        facts["formerly"] = former_name
    if before is None or len(facts) > 1:
        what = "created" if before is None else "changed"
        audit.record(AuditKind.GROUP_CHANGED, user_id=None, actor_id=actor_id, facts={"what": what} | facts)


def record_group_deletion(group: Group, *, actor_id: uuid.UUID) -> None:
    facts = {"what": "deleted", "group": group.name} | _differences(get_group_permissions(group), frozenset())
    audit.record(AuditKind.GROUP_CHANGED, user_id=None, actor_id=actor_id, facts=facts)


def _names(permissions: Any) -> PermissionNames:
    return frozenset(map(".".join, permissions.values_list("content_type__app_label", "codename").order_by()))


def _differences(before: PermissionNames, after: PermissionNames) -> dict[str, str]:
    differences = {"granted": after - before, "revoked": before - after}
    return {name: ", ".join(sorted(names)) for name, names in differences.items() if names}
