"""Start, list, change and revoke sessions. Each function owns its transaction; the cache is invalidated after the commit."""

import functools
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, QuerySet, UUIDField

from core.api.exceptions import NotFound
from core.db.prepared import Param, PreparedSelect
from core.db.prepared_rows import Fields
from core.db.prepared_writes import insert
from core.ids import new_id
from sessions_tracking.authentication_context import AuthenticationContext
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.metrics import SESSIONS_REVOKED
from sessions_tracking.models import RevokedReason, Session, SessionQuerySet
from sessions_tracking.principal_cache import invalidation
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS

# Covers a process that died between its commit and its write to Redis: older entries have expired there.
_RECENTLY_REVOKED = timedelta(seconds=2 * ACTIVE_ENTRY_SECONDS)

# Bounds the response where MAX_SESSIONS_PER_USER=0 allows any number of sessions.
MAX_LISTED = 200


def start(
    *,
    user_id: uuid.UUID,
    client: ClientInfo,
    context: AuthenticationContext,
    name: str = "",
    data: dict[str, Any] | None = None,
    lifetime: timedelta | None = None,
    persistent: bool = True,
    session_id: uuid.UUID | None = None,
) -> Session:
    """Insert and return a new session. Times that tokens repeat are whole seconds, as JWTs have them.

    The session ends `lifetime` after its start, and SESSION_MAX_AGE at the latest. `persistent`: whether its cookies outlive
    the browser. Raises IntegrityError for a `session_id` that was used before.
    """
    now = datetime.now(UTC)
    issued_at = now.replace(microsecond=0)
    max_age = min(lifetime or settings.SESSION_MAX_AGE, settings.SESSION_MAX_AGE)
    session = Session(
        id=session_id or new_id(),
        user_id=user_id,
        name=name,
        data=data or {},
        amr=" ".join(context.amr),
        acr=context.acr,
        authenticated_at=context.authenticated_at,
        persistent=persistent,
        **client.as_fields(),
        created_at=now,
        updated_at=now,
        last_seen_at=now,
        refresh_issued_at=issued_at,
        expires_at=issued_at + min(settings.JWT_REFRESH_EXPIRY, max_age),
        absolute_expires_at=issued_at + max_age,
    )
    insert(session)
    return session


def revoke(*, session_id: uuid.UUID, reason: RevokedReason) -> bool:
    """Revoke the session; return whether this call did. Invalidates the cache either way: an earlier call may have died first."""
    with transaction.atomic(savepoint=False):
        ended = _revoke(Session.objects.filter(id=session_id), reason)
        transaction.on_commit(lambda: invalidation.mark_revoked([session_id]))
    return ended == 1


def revoke_own(*, user_id: uuid.UUID, session_id: uuid.UUID, reason: RevokedReason) -> bool:
    """Revoke an active session of the user. Raises NotFound if it is expired, revoked, unknown or another user's.

    A session that is expired here is revoked all the same: the clock of another node may be behind.
    """
    session = Session.objects.filter(id=session_id, user_id=user_id).first()
    if session is None:
        raise NotFound
    ended = revoke(session_id=session_id, reason=reason)
    if not session.is_active(datetime.now(UTC)):
        raise NotFound
    return ended


def revoke_all(*, user_id: uuid.UUID, reason: RevokedReason, keep: uuid.UUID | None = None) -> int:
    """Revoke all sessions of the user except `keep`; return how many of them were active.

    Sessions that are expired here are revoked too: a node whose clock is behind could still refresh them. Recently revoked
    ones are invalidated in the cache again, in case the process that revoked them died before it could.
    """
    now = datetime.now(UTC)
    sessions = Session.objects.filter(user_id=user_id)
    with transaction.atomic(savepoint=False):
        _revoke(sessions.exclude(id=keep) if keep else sessions, reason, now)
        ended = list(
            sessions.filter(revoked_at__gte=now - _RECENTLY_REVOKED).values_list("id", "revoked_at", "expires_at")
        )
        transaction.on_commit(lambda: invalidation.mark_revoked([session_id for session_id, _, _ in ended]))
    return sum(revoked_at == now < expires_at for _, revoked_at, expires_at in ended)


def _revoke(sessions: SessionQuerySet, reason: RevokedReason, now: datetime | None = None) -> int:
    now = now or datetime.now(UTC)
    # The client's data is deleted at once; the rest of the row is history for HISTORY_RETENTION.
    changes = {"revoked_at": now, "revoked_reason": reason, "updated_at": now, "data": {}}
    ended = sessions.filter(revoked_at=None).update(**changes)
    if ended:
        transaction.on_commit(lambda: SESSIONS_REVOKED.labels(str(reason)).inc(ended))
    return ended


def enforce_session_limit(*, user_id: uuid.UUID) -> int:
    """Revoke the least recently seen sessions, so that one more fits MAX_SESSIONS_PER_USER (0: unlimited). Return how many."""
    limit = settings.MAX_SESSIONS_PER_USER
    if not limit:
        return 0
    surplus = [row.id for row in _sessions_beyond(limit - 1).fetch_all(user_id=user_id, now=datetime.now(UTC))]
    if not surplus:
        return 0
    with transaction.atomic(savepoint=False):
        transaction.on_commit(lambda: invalidation.mark_revoked(surplus))
        return _revoke(Session.objects.filter(id__in=surplus), RevokedReason.TOO_MANY_SESSIONS)


@dataclass(frozen=True, slots=True)
class _SessionId:
    id: uuid.UUID


@functools.cache
def _sessions_beyond(limit: int) -> PreparedSelect[_SessionId]:
    """Select the user's active sessions except the `limit` most recently seen."""

    def query() -> QuerySet[Session, Any]:
        active = Session.objects.active(Param("now", DateTimeField())).filter(user_id=Param("user_id", UUIDField()))
        return active.order_by("-last_seen_at", "-id")[limit:]

    return PreparedSelect(query, returning=lambda: Fields(_SessionId))


def erase_client_data(*, user_id: uuid.UUID) -> None:
    """Delete the names and data that clients stored with the user's sessions, revoked ones included."""
    Session.objects.filter(user_id=user_id).update(name="", data={})


def is_active(*, user_id: uuid.UUID, session_id: uuid.UUID) -> bool:
    return Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, id=session_id).exists()


def list_active(*, user_id: uuid.UUID) -> list[Session]:
    """Return the user's active sessions, at most MAX_LISTED, the most recently seen first."""
    active = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id)
    return list(active.order_by("-last_seen_at", "-id")[:MAX_LISTED])


def get_active(*, user_id: uuid.UUID, session_id: uuid.UUID) -> Session:
    session = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, id=session_id).first()
    if session is None:
        raise NotFound
    return session


def update_metadata(*, user_id: uuid.UUID, session_id: uuid.UUID, changes: dict[str, Any]) -> Session:
    """Set `name` and `data`, where `changes` has them. Raises NotFound for an inactive or another user's session."""
    session, now = get_active(user_id=user_id, session_id=session_id), datetime.now(UTC)
    requested: dict[str, Any] = {field: changes[field] for field in ("name", "data") if field in changes}
    values = {field: value for field, value in requested.items() if _json(value) != _json(getattr(session, field))}
    if not values:
        return session
    values["updated_at"] = now
    if not Session.objects.active(now).filter(user_id=user_id, id=session_id).update(**values):
        raise NotFound
    for field, value in values.items():
        setattr(session, field, value)
    return session


def _json(value: Any) -> str:
    """Compare as JSON, where 1, 1.0 and true differ; in Python they are equal."""
    return json.dumps(value, sort_keys=True)
