"""Records a login on the user's row, on condition that what the login has checked is still true."""

from datetime import UTC, datetime

from accounts import known_devices
from accounts.models import User
from core.db.prepared import Param, PreparedUpdate
from core.db.prepared_rows import Instances

_FIELDS = {field.attname: field for field in User._meta.concrete_fields}  # noqa: SLF001 - documented API
# The columns that must be unchanged since the user was read, and those that a login updates.
_LOCKED_ON, _UPDATED = ("id", "password", "mfa_enabled"), ("last_login", "known_devices")


def _params(*names: str) -> dict[str, Param]:
    return {name: Param(name, _FIELDS[name]) for name in names}


_RECORD_LOGIN = PreparedUpdate(
    lambda: User.objects.filter(**_params(*_LOCKED_ON), is_active=True),
    changes=lambda: _params(*_UPDATED),
    returning=lambda: Instances(User, ["id"]),
)


def record_login(user: User, device: str) -> bool:
    """Return False if the user is inactive, or has a new password or second factor since the credentials were checked."""
    user.last_login = datetime.now(UTC)
    user.known_devices = known_devices.remember(user.known_devices, device)
    updated = _RECORD_LOGIN.fetch_first(**{name: getattr(user, name) for name in (*_LOCKED_ON, *_UPDATED)})
    return updated is not None
