"""Hands an account to the person who first proves its email, and removes what its former holder may have planted.

Anybody can register an address that is not theirs. Until it is proven, what the account holds is not its reader's
("pre-hijacking": Sudhodanan and Paverd, USENIX Security 2022). A capability that stores something with an account adds a
function to `_REMOVALS`; one that proves an address calls `take_over` first.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from accounts.identity import username_key
from accounts.mfa.flows import challenges
from accounts.mfa.models import RecoveryCode, TotpFactor
from accounts.models import Purpose, Role, User
from accounts.services import email_change
from accounts.verification import verification_codes
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason


def is_take_over(user: User) -> bool:
    """Return whether a proof that did not come from the registration's own email passes the account on.

    An invited user who never signed in has nothing but what the administrator entered: the link is their registration's own.
    """
    is_invited = not user.has_usable_password() and user.last_login is None and not user.mfa_enabled
    return not user.email_verified and not is_invited


def take_over(user: User) -> None:
    """Removes what was planted. The caller's transaction holds the user's row, and has replaced or will replace the password."""
    for remove in _REMOVALS:
        remove(user)


def _end_sessions(user: User) -> None:
    User.objects.end_admin_sessions(user_id=user.id)
    challenges.end_all(user_id=user.id)
    sessions.revoke_all(user_id=user.id, reason=RevokedReason.PASSWORD_RESET)
    sessions.erase_client_data(user_id=user.id)


def _end_codes_and_links(user: User) -> None:
    """Links that would undo a change of the email too."""
    verification_codes.invalidate(user_id=user.id, purposes=list(Purpose))
    email_change.close(user_id=user.id)


def _remove_second_factor(user: User) -> None:
    """Not that of administrators and staff: a mailbox must not be enough to become one. A superuser removes theirs."""
    if _is_privileged(user):
        return
    TotpFactor.objects.filter(user_id=user.id).delete()
    RecoveryCode.objects.filter(user_id=user.id).delete()
    User.objects.filter(id=user.id).update(mfa_enabled=False)


def _remove_names(user: User) -> None:
    """An administrator entered those of administrators and staff."""
    if _is_privileged(user):
        return
    username = f"user-{secrets.token_hex(8)}"
    User.objects.filter(id=user.id).update(
        username=username,
        username_key=username_key(username),
        first_name="",
        last_name="",
        known_devices=[],
        last_login=None,
        updated_at=datetime.now(UTC),
    )


def _is_privileged(user: User) -> bool:
    return user.role == Role.ADMIN or user.is_staff or user.is_superuser


_REMOVALS: tuple[Callable[[User], None], ...] = (
    _end_sessions,
    _end_codes_and_links,
    _remove_second_factor,
    _remove_names,
)
