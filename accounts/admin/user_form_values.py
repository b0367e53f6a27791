"""The row of a user that the admin's form changes: locked in one order with the API, and what of it is written."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from accounts.identity import email_key, username_key
from accounts.models import Role, User
from accounts.services.administration import deactivation

_COLUMNS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "language",
    "role",
    "is_active",
    "is_staff",
    "is_superuser",
)


def lock(user: User) -> User | None:
    """In one statement and by id, as `authority` locks, so that neither waits for the other in a circle.

    With an administrator come all of them: two who turn on each other at once cannot both be told yes.
    """
    admins = Q(role=Role.ADMIN, is_active=True)
    wanted = Q(id=user.pk)
    if User.objects.filter(admins, wanted).exists():
        wanted |= admins
    rows = User.objects.select_for_update().filter(wanted).order_by("id")
    return next((row for row in rows if row.pk == user.pk), None)


def values(before: User, wanted: User) -> dict[str, Any]:
    """The columns of the form, and those that follow from them."""
    reason = None if wanted.is_active else wanted.deactivation_reason
    keys = {
        "username_key": username_key(wanted.username),
        "email_key": email_key(wanted.email) if wanted.email else None,
    }
    values = {name: getattr(wanted, name) for name in _COLUMNS} | keys | {"updated_at": datetime.now(UTC)}
    return values | deactivation.columns(before, is_active=wanted.is_active, reason=reason)
