"""The account of the owner: read, change, delete."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import IntegrityError, transaction
from django.db.models import BooleanField, DateTimeField, Exists, ExpressionWrapper, Q, QuerySet, UUIDField

from accounts import audit
from accounts.exceptions import UsernameTaken
from accounts.mail import outbox
from accounts.models import AuditKind, Role, User
from accounts.models.user_fields import (
    GUARDED_PROFILE_FIELDS,
    OWNER_VISIBLE_FIELDS,
    PROFILE_FIELDS,
    api_name,
    identity_keys,
)
from accounts.services import recent_proof, registration_claims
from accounts.services.administration import policy
from core.api.exceptions import SessionRevoked
from core.db.prepared import Param, PreparedSelect
from core.db.prepared_rows import Instances, Joined, Value
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache.replacement import refresh_cached_principals

_SESSION_FIELDS = (
    "id", "name", "data", "ip", "user_agent", "device", "browser", "os", "platform", "location", "amr", "acr",
    "authenticated_at", "created_at", "updated_at", "last_seen_at", "expires_at",
)  # fmt: skip


# `has_usable_password` in the database, so that the hash is not read to be thrown away.
_HAS_PASSWORD = ExpressionWrapper(~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX), output_field=BooleanField())


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the active sessions, the last seen first. Fields that the API does not return are deferred."""

    user: User
    sessions: Sequence[Session]


def _live_account() -> QuerySet[User, Any]:
    live = User.objects.filter(
        id=Param("user_id", UUIDField()),
        is_active=True,
        sessions__revoked_at=None,
        sessions__expires_at__gt=Param("now", DateTimeField()),
    )
    return live.order_by("-sessions__last_seen_at", "-sessions__id")[: sessions.MAX_LISTED]


@dataclass(frozen=True, slots=True)
class _AccountRow:
    user: User
    session: Session
    has_password: bool


def _account_row() -> Joined[_AccountRow]:
    return Joined(
        _AccountRow,
        user=Instances(User, OWNER_VISIBLE_FIELDS),
        session=Instances(Session, _SESSION_FIELDS, lookup="sessions__{}".format),
        has_password=Value(_HAS_PASSWORD),
    )


_LIVE_ACCOUNT = PreparedSelect(_live_account, returning=_account_row)


def get_account(*, user_id: uuid.UUID, session_id: uuid.UUID) -> Account:
    """Read account and sessions in one statement, which also proves that the caller's session is active.

    A second statement is needed only if the session is not among the MAX_LISTED sessions that are returned.
    Raises SessionRevoked if the session has ended or is another user's, or the user is deleted or inactive.
    """
    rows = _LIVE_ACCOUNT.fetch_all(user_id=user_id, now=datetime.now(UTC))
    listed = [row.session for row in rows]
    is_live = any(session.id == session_id for session in listed) or (
        len(listed) == sessions.MAX_LISTED and sessions.is_active(user_id=user_id, session_id=session_id)
    )
    if not is_live:
        raise SessionRevoked
    user = rows[0].user
    user.has_password = rows[0].has_password
    return Account(user, listed)


def get(*, user_id: uuid.UUID) -> User:
    """Raises SessionRevoked if the user is deleted or inactive, because then all their sessions have ended."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise SessionRevoked
    return user


def update(*, user_id: uuid.UUID, session_id: uuid.UUID, changes: Mapping[str, Any]) -> User:
    """Set the PROFILE_FIELDS and GUARDED_PROFILE_FIELDS in `changes`; for the latter the caller has required a recent proof.

    Raises UsernameTaken, SessionRevoked.
    """
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
    """Write and record the fields that differ. The caller has locked the user's row.

    Raises SessionRevoked: while the request waited for the lock, a password reset may have given the account to another owner.
    """
    fields = [field for field in (*PROFILE_FIELDS, *GUARDED_PROFILE_FIELDS) if field in changes]
    values = {field: changes[field] for field in fields if changes[field] != getattr(user, field)}
    if not values:
        return
    facts: dict[str, str | bool] = {"fields": ", ".join(map(api_name, values))}
    facts |= {api_name(field): values[field] for field in GUARDED_PROFILE_FIELDS if field in values}
    values |= identity_keys(values) | {"updated_at": datetime.now(UTC)}
    for field, value in values.items():
        setattr(user, field, value)
    active = Session.objects.active(datetime.now(UTC)).filter(id=session_id, user_id=user.id)
    if not User.objects.filter(Exists(active), id=user.id).update(**values):
        raise SessionRevoked
    audit.record(AuditKind.PROFILE_CHANGED, user_id=user.id, actor_id=user.id, facts=facts)
    if "username" in values:
        refresh_cached_principals(user_id=user.id)


def delete(*, principal: Principal, password: str | None) -> None:
    """Delete the account with its sessions. Raises as `recent_proof.confirm` (`password`), and LastAdmin.

    The row is locked first, so that a login that races the deletion waits and then fails. Raises SessionRevoked for a second
    deletion at the same time.
    """
    user_id = principal.id
    user = get(user_id=user_id)
    proof = recent_proof.confirm(user=user, principal=principal, password=password, field="password")
    with transaction.atomic():
        if user.role == Role.ADMIN:
            policy.ensure_not_last_admin(user_id=user_id)
        recent_proof.lock_confirmed(proof, field="password")
        outbox.account_deleted(user)
        registration_claims.remove(user.email)
        sessions.revoke_all(user_id=user_id, reason=RevokedReason.ACCOUNT_DELETED)
        audit.record(AuditKind.ACCOUNT_DELETED, user_id=user_id, actor_id=user_id)
        user.delete()
