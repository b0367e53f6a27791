"""The second factors of a user, whichever capability they come from. `User.mfa_enabled` says whether there is one.

Call these functions within a transaction that holds the user's row.
"""

import uuid
from datetime import UTC, datetime

from accounts.models import User
from accounts.registries import FACTOR_OBSERVERS, SECOND_FACTORS
from accounts.services import enabled_factors, pending_logins
from sessions_tracking import assurance
from sessions_tracking.authentication_context import AssuranceLevel


def added(*, user_id: uuid.UUID, session_id: uuid.UUID, amr: str) -> list[str]:
    """Note a new factor, which the session's user has just proven; return the recovery codes if it is the first one.

    The session rises to AAL2: a first and a second factor are proven. Its `authenticated_at` stays. Raises SessionRevoked.
    """
    codes = enable(user_id=user_id)
    assurance.add_proof(user_id=user_id, session_id=session_id, amr=[amr], acr=AssuranceLevel.AAL2)
    return codes


def enable(*, user_id: uuid.UUID) -> list[str]:
    """Require a second factor from now on; return the recovery codes if none was required before."""
    disabled = User.objects.filter(id=user_id, mfa_enabled=False)
    if not disabled.update(mfa_enabled=True, updated_at=datetime.now(UTC)):
        return []
    return issue_codes(user_id=user_id)


def enable_at_sign_up(*, user_id: uuid.UUID) -> None:
    """Require a second factor from the first sign-in on, whose response shows the recovery codes; see `login.start_session`."""
    User.objects.filter(id=user_id).update(mfa_enabled=True)


def issue_codes(*, user_id: uuid.UUID) -> list[str]:
    return [code for observer in FACTOR_OBSERVERS for code in observer.first_added(user_id)]


def issue_owed_codes(*, user_id: uuid.UUID) -> list[str]:
    """Issue the recovery codes of a user who has none yet; return none if another sign-in has just issued and shown them."""
    if not User.objects.filter(id=user_id, recovery_codes_left=None).exists():
        return []
    return issue_codes(user_id=user_id)


def remove_all(*, user_id: uuid.UUID) -> None:
    """Remove every second factor, of all capabilities: the user has lost them."""
    for factor in SECOND_FACTORS:
        factor.rows(user_id).delete()
    removed(user_id=user_id)


def removed(*, user_id: uuid.UUID) -> bool:
    """Note that a factor was removed. If none is left, withdraw what the factors proved; return whether that is so."""
    if any(not factor.is_backup for factor in enabled_factors.get(user_id)):
        return False
    enabled = User.objects.filter(id=user_id, mfa_enabled=True)
    if not enabled.update(mfa_enabled=False, updated_at=datetime.now(UTC)):
        return False
    for observer in FACTOR_OBSERVERS:
        observer.last_removed(user_id)
    pending_logins.cancel_all(user_id=user_id)
    assurance.lower_to_aal1(user_id=user_id)
    return True
