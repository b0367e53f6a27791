"""The owner's view of an account: read, change, take along, delete."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.exceptions import UsernameTaken
from accounts.identity import username_key
from accounts.mail import outbox
from accounts.models import OutboxEmail, Role, User
from accounts.services import authority, passwords
from config.api.exceptions import SessionRevoked
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session

_EDITABLE = ("first_name", "last_name", "username", "language")


def get(*, user_id: uuid.UUID) -> User:
    """Raises SessionRevoked for a user who is gone or inactive: so is every session of theirs."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise SessionRevoked
    return user


def update(*, user_id: uuid.UUID, changes: Mapping[str, Any]) -> User:
    """Sets those of first_name, last_name, username and language that `changes` holds. Raises UsernameTaken."""
    values = {name: changes[name] for name in _EDITABLE if name in changes}
    if "username" in values:
        values["username_key"] = username_key(values["username"])
    try:
        with transaction.atomic():
            User.objects.filter(id=user_id, is_active=True).update(**values, updated_at=datetime.now(UTC))
    except IntegrityError as error:
        raise UsernameTaken(errors={"username": [UsernameTaken.message]}) from error
    if "username" in values:
        sessions.renew_principals(user_id=user_id)
    return get(user_id=user_id)


def delete(*, user_id: uuid.UUID, password: str) -> None:
    """Deletes the account and its sessions. Raises PasswordIncorrect (`password`), LastAdmin.

    The row is locked first: a login that races the deletion waits, and then finds nobody.
    """
    user = get(user_id=user_id)
    passwords.require_correct(password, user=user, field="password")
    with transaction.atomic():
        if user.role == Role.ADMIN:
            authority.require_another_admin(user_id=user_id)
        if not User.objects.select_for_update().filter(id=user_id).exists():
            return
        outbox.account_deleted(user)
        sessions.revoke_all(user_id=user_id, reason=RevokedReason.ACCOUNT_DELETED)
        user.delete()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    user: User
    sessions: list[Session]
    emails: list[OutboxEmail]


def everything_held(*, user_id: uuid.UUID) -> Held:
    """The user, all sessions that are on record, ended ones too, and the emails of the outbox, which hold no secret."""
    user = get(user_id=user_id)
    return Held(
        user=user,
        sessions=list(user.sessions.order_by("-created_at")),
        emails=list(user.emails.order_by("-created_at")),
    )
