"""The rights of Django's admin: who has which by themselves or by a group, and what the audit says of changes to them."""

import uuid
from typing import Any

from django.contrib.auth.models import Group

from accounts import audit
from accounts.models import AuditKind, User

Rights = frozenset[str]


def of_user(user: User) -> Rights:
    """Not those that come by the groups: what a group gives, its own rows tell."""
    groups = {f"group {name}" for name in user.groups.values_list("name", flat=True)}
    return frozenset(groups) | _names(user.user_permissions)


def of_group(group: Group) -> Rights:
    return _names(group.permissions)


def _names(permissions: Any) -> Rights:
    return frozenset(map(".".join, permissions.values_list("content_type__app_label", "codename").order_by()))


def note_user(user: User, before: Rights, *, actor_id: uuid.UUID) -> None:
    """Within the transaction of the change; `before` are the rights until then."""
    changes = _changes(before, of_user(user))
    if changes:
        audit.record(
            AuditKind.USER_CHANGED, user_id=user.id, actor_id=actor_id, facts={"fields": "permissions"} | changes
        )


def note_group(group: Group, before: Rights | None, *, former_name: str, actor_id: uuid.UUID) -> None:
    """As above. None before: it is new."""
    facts = {"group": group.name} | _changes(before or frozenset(), of_group(group))
    if former_name != group.name:
        facts["formerly"] = former_name
    if before is None or len(facts) > 1:
        what = "created" if before is None else "changed"
        audit.record(AuditKind.GROUP_CHANGED, user_id=None, actor_id=actor_id, facts={"what": what} | facts)


def note_group_deleted(group: Group, *, actor_id: uuid.UUID) -> None:
    facts = {"what": "deleted", "group": group.name} | _changes(of_group(group), frozenset())
    audit.record(AuditKind.GROUP_CHANGED, user_id=None, actor_id=actor_id, facts=facts)


def _changes(before: Rights, after: Rights) -> dict[str, str]:
    changes = {"given": after - before, "taken": before - after}
    return {name: ", ".join(sorted(rights)) for name, rights in changes.items() if rights}
