"""Requires that the user has authenticated recently, so that a stolen access token cannot take over an account.

An operation without a password in its body calls `require_recent`, one with a password `confirm`. `step_up` gives a session
a new proof. `accounts.admin_site.recent_proof` does both for the sessions of Django's admin, which are no rows of Session.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.exceptions import PasswordIncorrect, ReauthenticationRequired
from accounts.models import User
from accounts.services import credential_check
from core.api.exceptions import PermissionDenied, SessionRevoked, ValidationFailed
from sessions_tracking.authentication_context import AssuranceLevel, AuthenticationContext
from sessions_tracking.models import Session
from sessions_tracking.principal import Principal

_PASSWORD_REQUIRED = _("Enter your current password.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentProof:
    """Proof that the user confirms an operation. It holds while the account has the password with this hash, and the session is
    active. Without a session, the user confirmed it in the admin.
    """

    user_id: uuid.UUID
    password_hash: str
    session_id: uuid.UUID | None = None


def require_recent(principal: Principal) -> None:
    """Raise ReauthenticationRequired unless the session's user authenticated within REAUTHENTICATION_MAX_AGE.

    A user who has a second factor must have proven it. Costs a query only if the session is at AAL1.
    """
    has_second_factor = principal.has_aal2 or User.objects.filter(id=principal.id, mfa_enabled=True).exists()
    _require_recent(principal.context, has_second_factor=has_second_factor)


def require_proven_factor(user: User, *, session_id: uuid.UUID) -> None:
    """Raise ReauthenticationRequired if the locked user has by now a second factor that the session has not proven.

    An operation that `require_recent` has permitted may have waited for the lock.
    """
    has_aal2 = Session.objects.filter(id=session_id, user_id=user.id, acr=AssuranceLevel.AAL2)
    if user.mfa_enabled and not has_aal2.exists():
        raise ReauthenticationRequired(max_age=settings.REAUTHENTICATION_MAX_AGE, acr=AssuranceLevel.AAL2)


def _require_recent(context: AuthenticationContext, *, has_second_factor: bool) -> None:
    max_age, acr = settings.REAUTHENTICATION_MAX_AGE, AssuranceLevel.AAL2 if has_second_factor else None
    if not context.meets(acr=acr, max_age=max_age):
        raise ReauthenticationRequired(max_age=max_age, acr=acr)


def confirm(
    *, user: User, principal: Principal | None, password: str | None, field: str, hashes: int = 1
) -> RecentProof:
    """Return the proof that the session's user confirms an operation: by the password, if the account has one.

    A user who has a second factor, or no password, needs a recent proof too. It is checked before the password is hashed.
    Pages of the admin have no principal, and require their own recent proof. Call `lock_confirmed` with the proof before the
    operation changes anything. `hashes` is as in `credential_check.require_correct`.

    Raises ValidationFailed (`field`) without a password, ReauthenticationRequired, and as `credential_check.require_correct`.
    """
    if password is None and (principal is None or user.has_usable_password()):
        raise ValidationFailed(errors={field: [_PASSWORD_REQUIRED]})
    if principal is not None:
        _require_recent_beside_password(user, principal.context)
    if password is not None and (principal is None or user.has_usable_password()):
        credential_check.require_correct(password, user=user, field=field, hashes=hashes)
    session_id = principal.session_id if principal else None
    return RecentProof(user_id=user.id, password_hash=user.password, session_id=session_id)


def _require_recent_beside_password(user: User, context: AuthenticationContext) -> None:
    if user.mfa_enabled or not user.has_usable_password():
        _require_recent(context, has_second_factor=user.mfa_enabled)


def lock_confirmed(proof: RecentProof, *, field: str) -> User:
    """Lock the user's row and return it, if the proof still holds: the request may have waited for the hash and for the lock.

    Raises SessionRevoked; PasswordIncorrect (`field`) if the password has changed; ReauthenticationRequired if the user has
    added a second factor, which the session has not proven.
    """
    user = User.objects.select_for_update().filter(id=proof.user_id, is_active=True).first()
    if user is None:
        raise SessionRevoked
    _require_session(proof, user)
    if user.password != proof.password_hash:
        raise PasswordIncorrect(field=field)
    return user


def _require_session(proof: RecentProof, user: User) -> None:
    if proof.session_id is None:
        return
    session = Session.objects.active(datetime.now(UTC)).filter(id=proof.session_id, user_id=proof.user_id).first()
    if session is None:
        raise SessionRevoked
    _require_recent_beside_password(user, session.context)


def is_needed(before: User, after: User, *, actor_id: uuid.UUID | None) -> bool:
    """Return whether the actor changes the email, its verification or the password of their own account."""
    if actor_id != before.id:
        return False
    return (before.email, before.email_verified_at is None, before.password) != (
        after.email,
        after.email_verified_at is None,
        after.password,
    )


def require_for_change(before: User, after: User, *, actor_id: uuid.UUID | None, proof: RecentProof | None) -> None:
    """Raise PermissionDenied if a proof is needed and missing, or if the password has changed since it was entered.

    `before` is the locked row. Raises SessionRevoked and ReauthenticationRequired as `lock_confirmed`.

    Every path on which an administrator writes these columns calls this function, so a path without a proof fails.
    """
    if not is_needed(before, after, actor_id=actor_id):
        return
    if proof is None or (proof.user_id, proof.password_hash) != (before.id, before.password):
        raise PermissionDenied
    _require_session(proof, before)
