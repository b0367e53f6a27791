"""What one user may do to another, decided under locks. Each function wants to be within the caller's transaction.

Whoever takes rights away must be an administrator while both rows are locked, and cannot take their own. So an
administrator always remains, however many of them act on each other at once.
"""

import uuid

from accounts.exceptions import LastAdmin, OwnRights
from accounts.models import Role, User
from core.api.exceptions import NotFound, PermissionDenied


def lock(*, actor_id: uuid.UUID, user_id: uuid.UUID, takes_rights: bool) -> User:
    """The user, locked, for the actor to change; `takes_rights` is a demotion, a deactivation or a deletion.

    Raises PermissionDenied for an actor who is no administrator any more, and for a user who stands above them;
    NotFound; LastAdmin and OwnRights for actors who turn on themselves.
    """
    if takes_rights and actor_id == user_id:
        require_another_admin(user_id=user_id)
        raise OwnRights
    pair = User.objects.select_for_update().filter(id__in=[actor_id, user_id]).order_by("id")
    rows = {row.id: row for row in pair}
    actor, user = rows.get(actor_id), rows.get(user_id)
    if actor is None or not actor.is_active or actor.role != Role.ADMIN:
        raise PermissionDenied
    if user is None:
        raise NotFound
    if _stands_above(user, actor):
        raise PermissionDenied
    return user


def require_another_admin(*, user_id: uuid.UUID) -> None:
    """Raises LastAdmin where this user is the only active administrator. Locks them all, in one order: call it first."""
    admins = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).order_by("id")
    if [admin.id for admin in admins] == [user_id]:
        raise LastAdmin


def _stands_above(user: User, actor: User) -> bool:
    """Django's own admin opens to these: who could set their password or address would be in there as them."""
    return (user.is_superuser or user.is_staff) and not actor.is_superuser and user.id != actor.id
