"""The owner's view of an account: read, change, delete."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Exists, QuerySet, UUIDField

from accounts import audit
from accounts.exceptions import UsernameTaken
from accounts.identity import username_key
from accounts.mail import outbox
from accounts.models import AuditKind, Role, User
from accounts.services import passwords, registration_claims
from accounts.services.administration import policy
from core.api.exceptions import SessionRevoked
from core.db.prepared import Given, PreparedSelect, in_order
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session

_EDITABLE = {"first_name": "firstName", "last_name": "lastName", "username": "username", "language": "language"}

# Without what no client is shown: the hash of a password is not fetched to be thrown away.
_OF_USER = in_order(User, {
    "id", "email", "username", "first_name", "last_name", "language", "role", "email_verified_at", "mfa_enabled", "created_at",
    "updated_at", "last_login",
})  # fmt: skip
_OF_SESSION = in_order(Session, {
    "id", "name", "data", "ip", "user_agent", "device", "browser", "os", "platform", "location", "created_at", "updated_at",
    "last_seen_at", "expires_at",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """A user and their active sessions, the one seen last first; of each the fields that the API shows, the rest deferred."""

    user: User
    sessions: Sequence[Session]


def _live_account() -> QuerySet[User, Any]:
    live = User.objects.filter(
        id=Given("user_id", UUIDField()),
        is_active=True,
        sessions__revoked_at=None,
        sessions__expires_at__gt=Given("now", DateTimeField()),
    )
    newest_first = live.order_by("-sessions__last_seen_at", "-sessions__id")
    columns = newest_first.values_list(*_OF_USER, *(f"sessions__{name}" for name in _OF_SESSION))
    return columns[: sessions.MAX_LISTED]


_LIVE_ACCOUNT = PreparedSelect(_live_account)


def account_of(*, user_id: uuid.UUID, session_id: uuid.UUID) -> Account:
    """The caller's account by one statement, which proves at once that the session is live, unless it is not among the
    MAX_LISTED sessions that are shown.

    Raises SessionRevoked where the session is over or another's, or the user is gone or inactive.
    """
    rows = _LIVE_ACCOUNT.rows(user_id=user_id, now=datetime.now(UTC))
    split = len(_OF_USER)
    found = [Session.from_db("default", _OF_SESSION, row[split:]) for row in rows]
    is_live = any(session.id == session_id for session in found) or (
        len(found) == sessions.MAX_LISTED and sessions.is_active(user_id=user_id, session_id=session_id)
    )
    if not is_live:
        raise SessionRevoked
    return Account(User.from_db("default", _OF_USER, rows[0][:split]), found)


def get(*, user_id: uuid.UUID) -> User:
    """Raises SessionRevoked for a user who is gone or inactive: so is every session of theirs."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise SessionRevoked
    return user


def update(*, user_id: uuid.UUID, session_id: uuid.UUID, changes: Mapping[str, Any]) -> User:
    """Sets those of first_name, last_name, username and language that `changes` holds. Raises UsernameTaken, SessionRevoked."""
    try:
        with transaction.atomic():
            user = User.objects.select_for_update().filter(id=user_id, is_active=True).first()
            if user is None:
                raise SessionRevoked
            _write_changed(user, session_id, changes)
    except IntegrityError as error:
        raise UsernameTaken(errors={"username": [UsernameTaken.message]}) from error
    return user


def _write_changed(user: User, session_id: uuid.UUID, changes: Mapping[str, Any]) -> None:
    """Writes and records the fields that differ; nothing where none does. The caller holds the user's row.

    Raises SessionRevoked: a reset may have passed the account on while the request waited for that row.
    """
    values = {name: changes[name] for name in _EDITABLE if name in changes and changes[name] != getattr(user, name)}
    if not values:
        return
    facts = {"fields": ", ".join(_EDITABLE[name] for name in _EDITABLE if name in values)}
    if "username" in values:
        values["username_key"] = username_key(values["username"])
    values["updated_at"] = datetime.now(UTC)
    for name, value in values.items():
        setattr(user, name, value)
    active = Session.objects.active(datetime.now(UTC)).filter(id=session_id, user_id=user.id)
    if not User.objects.filter(Exists(active), id=user.id).update(**values):
        raise SessionRevoked
    audit.record(AuditKind.PROFILE_CHANGED, user_id=user.id, actor_id=user.id, facts=facts)
    if "username" in values:
        sessions.refresh_cached_principals(user_id=user.id)


def delete(*, user_id: uuid.UUID, password: str) -> None:
    """Deletes the account and its sessions. Raises PasswordIncorrect (`password`), LastAdmin.

    The row is locked first: a login that races the deletion waits, and then finds nobody. Raises SessionRevoked if the password
    changed after it was checked, and for a second deletion at the same time.
    """
    user = get(user_id=user_id)
    passwords.require_correct(password, user=user, field="password")
    with transaction.atomic():
        if user.role == Role.ADMIN:
            policy.ensure_not_last_admin(user_id=user_id)
        same = User.objects.select_for_update().filter(id=user_id, password=user.password, is_active=True)
        if not same.exists():  # a reset was faster: the password that was given is the account's no more
            raise SessionRevoked
        outbox.account_deleted(user)
        registration_claims.remove(user.email)
        sessions.revoke_all(user_id=user_id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=user_id, actor_id=user_id)
        user.delete()
