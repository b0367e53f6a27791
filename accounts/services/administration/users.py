"""What administrators do with other people's accounts: change, invite again, sign out, delete."""

import uuid
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.exceptions import InvitationNotNeeded
from accounts.identity import email_key, username_key
from accounts.mail import outbox
from accounts.models import AuditKind, User
from accounts.passwords import hashing
from accounts.services import passwords, reauthentication, registration_claims
from accounts.services.administration import (
    admin_sessions,
    audit_records,
    deactivation,
    policy,
    side_effects,
    user_creation,
)
from core.api.exceptions import NotFound
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

_PLAIN = ("email", "username", "first_name", "last_name", "language", "role", "is_active")


def get(*, user_id: uuid.UUID) -> User:
    user = User.objects.filter(id=user_id).first()
    if user is None:
        raise NotFound
    return user


def update(
    *, actor_id: uuid.UUID, user_id: uuid.UUID, changes: Mapping[str, Any], current_password: str | None = None
) -> User:
    """Sets what `changes` holds of the fields of NewUser, or a `deactivation_reason`, and brings about what follows at once.

    `current_password` is needed where administrators change their own email or password, and ignored elsewhere.
    Raises as `policy.lock_for_change` and `recent_proof.give` (`currentPassword`); ValidationFailed (`password`,
    `deactivationReason`), EmailTaken, UsernameTaken.
    """
    user = get(user_id=user_id)
    proof = None
    if reauthentication.is_needed(user, _claimed(user, changes), actor_id=actor_id):
        proof = reauthentication.give(user=user, password=current_password, field="currentPassword")
    wanted = _applied(user, changes)
    values = {name: changes[name] for name in _PLAIN if name in changes} | _derived(wanted, changes)
    try:
        with transaction.atomic():
            before = policy.lock_for_change(actor_id=actor_id, user_id=user_id, is_demotion=policy.is_demotion(changes))
            values |= _activity(before, changes)
            after = side_effects.apply(
                before, values, email_verified=changes.get("email_verified"), actor_id=actor_id, proof=proof
            )
            audit_records.note_change(before, after, actor_id=actor_id)
            return after
    except IntegrityError as error:
        raise user_creation.taken(wanted) from error


def _claimed(user: User, changes: Mapping[str, Any]) -> User:
    """The user with the email, verification and password that the changes ask for; a new password counts before it is hashed."""
    claimed = copy(user)
    claimed.email = changes.get("email", user.email)
    claimed.password = "" if "password" in changes else user.password
    verified = changes.get("email_verified", user.email_verified)
    claimed.email_verified_at = (user.email_verified_at or datetime.now(UTC)) if verified else None
    return claimed


def _applied(user: User, changes: Mapping[str, Any]) -> User:
    """The user as they are going to be, unsaved: what a new password must not resemble."""
    for name in _PLAIN:
        setattr(user, name, changes.get(name, getattr(user, name)))
    return user


def _derived(wanted: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Keys and hash; the slow hash is made here, before anything is locked."""
    values: dict[str, Any] = {"updated_at": datetime.now(UTC)}
    if "email" in changes:
        values["email_key"] = wanted.email_key = email_key(changes["email"])
    if "username" in changes:
        values["username_key"] = wanted.username_key = username_key(changes["username"])
    if "password" in changes:
        passwords.require_acceptable(changes["password"], user=wanted, field="password")
        values["password"] = hashing.make(changes["password"])
    return values


def _activity(before: User, changes: Mapping[str, Any]) -> dict[str, Any]:
    is_active, reason = changes.get("is_active", before.is_active), changes.get("deactivation_reason")
    if "is_active" not in changes and reason is None:
        return {}
    return deactivation.columns(before, is_active=is_active, reason=reason)


def delete(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Deletes the account and its sessions, and tells its owner. Raises as `policy.lock_for_change`."""
    with transaction.atomic():
        user = policy.lock_for_change(actor_id=actor_id, user_id=user_id, is_demotion=True)
        outbox.account_deleted(user)
        registration_claims.remove(user.email)
        sessions.revoke_all(user_id=user_id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=user_id, actor_id=actor_id)
        user.delete()


def sign_out(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> int:
    """Ends all sessions of the user, and says how many they were. Raises as `policy.lock_for_change`."""
    with transaction.atomic():
        policy.lock_for_change(actor_id=actor_id, user_id=user_id)
        admin_sessions.end_all(user_id=user_id)
        revoked = sessions.revoke_all(user_id=user_id, reason=RevokedReason.ADMIN)
        audit.record(AuditKind.SESSIONS_REVOKED, user_id=user_id, actor_id=actor_id, facts={"sessionsEnded": revoked})
    return revoked


def invite(*, actor_id: uuid.UUID, user_id: uuid.UUID) -> None:
    """Mails another invitation; the link of the former dies. Raises as `policy.lock_for_change`, and InvitationNotNeeded."""
    with transaction.atomic():
        user = policy.lock_for_change(actor_id=actor_id, user_id=user_id)
        if user.has_usable_password() or not user.is_active or not user.email:
            raise InvitationNotNeeded
        outbox.invitation(user)
        audit.record(AuditKind.USER_INVITED, user_id=user_id, actor_id=actor_id)
