"""Which users an administrator may change, decided while the rows are locked. Call within a transaction.

A demotion requires that the actor is an administrator while both rows are locked, and administrators cannot demote
themselves. So an administrator always remains, however many of them act on each other at once.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from accounts.exceptions import CannotDemoteSelf, LastAdmin
from accounts.models import Role, User
from core.api.exceptions import NotFound, PermissionDenied


def outranks(user: User, actor: User) -> bool:
    """Return whether the actor must not change the user, because the user has a privilege that the actor lacks.

    To set a user's password or email is to take over the account, with all its privileges. Permissions of staff differ
    from one to the next, so only superusers change staff. Administrators change each other.
    """
    if actor.is_superuser or actor.pk == user.pk:
        return False
    return user.is_superuser or user.is_staff or (user.role == Role.ADMIN and actor.role != Role.ADMIN)


def is_demotion(changes: Mapping[str, Any]) -> bool:
    """Return whether the changes take the role ADMIN away or deactivate the account."""
    return changes.get("role", Role.ADMIN) != Role.ADMIN or not changes.get("is_active", True)


def lock_for_change(*, actor_id: uuid.UUID, user_id: uuid.UUID, is_demotion: bool = False) -> User:
    """Lock actor and user, and return the user. A deletion is a demotion.

    Raises PermissionDenied if the actor is no administrator any more or the user outranks the actor; NotFound; LastAdmin
    and CannotDemoteSelf for actors who demote themselves.
    """
    if is_demotion and actor_id == user_id:
        ensure_not_last_admin(user_id=user_id)
        raise CannotDemoteSelf
    rows = User.objects.select_for_update().filter(id__in=[actor_id, user_id]).order_by("id")
    users = {row.id: row for row in rows}
    actor, user = users.get(actor_id), users.get(user_id)
    if actor is None or not actor.is_active or actor.role != Role.ADMIN:
        raise PermissionDenied
    if user is None:
        raise NotFound
    if outranks(user, actor):
        raise PermissionDenied
    return user


def lock_with_admins(user: User) -> User | None:
    """Lock a user, and with an administrator all administrators: of two who demote each other at once, one fails.

    One statement, ordered by id as in `lock_for_change`, so that the admin and the API cannot deadlock.
    """
    rows = User.objects.filter(pk=user.pk)
    if (rows & _active_admins()).exists():
        rows |= _active_admins()
    return next((row for row in rows.select_for_update().order_by("id") if row.pk == user.pk), None)


def ensure_not_last_admin(*, user_id: uuid.UUID) -> None:
    """Lock all administrators. Raises LastAdmin if this user is the only active one. Call it before other locks."""
    admins = _active_admins().select_for_update().order_by("id")
    if [admin.id for admin in admins] == [user_id]:
        raise LastAdmin


def is_last_admin(user: User) -> bool:
    """Return whether no other administrator is active, without a lock: see `lock_with_admins`."""
    return list(_active_admins().order_by("id").values_list("id", flat=True)[:2]) == [user.pk]


def _active_admins() -> QuerySet[User]:
    return User.objects.filter(role=Role.ADMIN, is_active=True)
