"""The claim of an account by the person who first proves its email: everything a former holder may have planted is removed.

Anyone can register an email that is not theirs. Until the email is proven, the content of the account is not its reader's
("pre-hijacking": Sudhodanan and Paverd, USENIX Security 2022). A capability that stores something with an account registers
a `ClaimEffect`; a flow that proves an email by other means than the registration's own calls `claim_if_unproven` first.
"""

import secrets
from datetime import UTC, datetime

from accounts.identity import username_key
from accounts.mail import outbox
from accounts.models import Purpose, Role, User
from accounts.models.user_fields import PROFILE_FIELDS
from accounts.passwords import hashing
from accounts.registries import CLAIM_EFFECTS, ClaimEffect
from accounts.services import email_change, pending_logins, registration_claims, second_factors, sign_in_methods
from accounts.verification import verification_codes
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason


def claim_if_unproven(user: User, *, keep_password: bool = False) -> bool:
    """Claim the account for the person who is proving its email, if it was never verified; return whether it was.

    The caller's transaction holds the user's row, of which `user` is the state. `keep_password`: the claimant has just set it.
    """
    if not is_claim(user):
        return False
    if not keep_password:
        _remove_password(user)
    for effect in (*CORE_EFFECTS, *CLAIM_EFFECTS):
        effect.remove(user)
    second_factors.removed(user_id=user.id)
    user.refresh_from_db(fields=["mfa_enabled", "recovery_codes_left"])
    return True


def is_claim(user: User) -> bool:
    """Return whether a proof that did not come from the registration's own email transfers the account.

    An invited user who never signed in has only what the administrator entered: the link is their registration's own.
    """
    is_invited = not sign_in_methods.get_available(user) and user.last_login is None and not user.mfa_enabled
    return not user.email_verified and not is_invited


def is_privileged(user: User) -> bool:
    """Return whether the user is an administrator or staff: an administrator entered their names, and a claim keeps them."""
    return user.role == Role.ADMIN or user.is_staff or user.is_superuser


def _remove_password(user: User) -> None:
    """Remove the password, and the registrations for the email and the unsent resets that depend on it."""
    User.objects.filter(id=user.id).update(password=hashing.make(None), updated_at=datetime.now(UTC))
    registration_claims.remove(user.email)
    outbox.cancel_resets(user)


def _revoke_sessions(user: User) -> None:
    User.objects.end_admin_sessions(user_id=user.id)
    pending_logins.cancel_all(user_id=user.id)
    sessions.revoke_all(user_id=user.id, reason=RevokedReason.TAKEN_OVER)
    sessions.erase_client_data(user_id=user.id)


def _invalidate_codes_and_links(user: User) -> None:
    """Invalidate the links that would undo an email change too."""
    verification_codes.invalidate(user_id=user.id, purposes=list(Purpose))
    email_change.close(user_id=user.id)


def _reset_profile(user: User) -> None:
    """Reset all profile fields to their defaults, except the language, in which the claimant's emails are written."""
    if is_privileged(user):
        return
    username = f"user-{secrets.token_hex(8)}"
    defaults = User()
    resettable = [name for name in PROFILE_FIELDS if name not in {"username", "language"}]
    User.objects.filter(id=user.id).update(
        **{name: getattr(defaults, name) for name in resettable},
        username=username,
        username_key=username_key(username),
        login_codes=defaults.login_codes,
        known_devices=[],
        last_login=None,
        updated_at=datetime.now(UTC),
    )


CORE_EFFECTS = (
    ClaimEffect(name="sessions", remove=_revoke_sessions, relations=frozenset({"sessions", "pending_logins"})),
    ClaimEffect(
        name="codes and links",
        remove=_invalidate_codes_and_links,
        relations=frozenset({"verification_codes", "email_changes"}),
    ),
    ClaimEffect(name="profile", remove=_reset_profile),
)
