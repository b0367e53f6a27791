"""Starts and ends sessions. Each function owns its transaction; Redis is told after the commit."""

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
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.metrics import SESSIONS_REVOKED
from sessions_tracking.models import RevokedReason, Session, SessionQuerySet
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache import invalidation
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS

# Whoever ended a session may have died before Redis knew; by then, whatever the clocks, an entry of before has lapsed.
_LATELY = timedelta(seconds=2 * ACTIVE_ENTRY_SECONDS)

# Of the sessions of one user, in a list: with MAX_SESSIONS_PER_USER=0 nothing else bounds the response.
MAX_LISTED = 200


def start(
    *, user_id: uuid.UUID, client: ClientInfo, second_factor: bool, name: str = "", data: dict[str, Any] | None = None
) -> Session:
    """A new session, one INSERT. Its times are whole seconds where tokens repeat them.

    `second_factor` says that it began with one; nothing that happens later gives that to a session.
    """
    now = datetime.now(UTC)
    issued_at = now.replace(microsecond=0)
    session = Session(
        user_id=user_id,
        name=name,
        data=data or {},
        second_factor=second_factor,
        **client.as_fields(),
        created_at=now,
        updated_at=now,
        last_seen_at=now,
        refresh_issued_at=issued_at,
        expires_at=min(issued_at + settings.JWT_REFRESH_EXPIRY, issued_at + settings.SESSION_MAX_AGE),
        absolute_expires_at=issued_at + settings.SESSION_MAX_AGE,
    )
    insert(session)
    return session


def revoke(*, session_id: uuid.UUID, reason: RevokedReason) -> bool:
    """Ends a session; True if this call ended it. Redis is told even when another call was first: that one may have died."""
    with transaction.atomic(savepoint=False):
        ended = _end(Session.objects.filter(id=session_id), reason)
        transaction.on_commit(lambda: invalidation.mark_revoked([session_id]))
    return ended == 1


def revoke_own(*, user_id: uuid.UUID, session_id: uuid.UUID, reason: RevokedReason) -> bool:
    """As `revoke`, for a session that must belong to the user and be active; NotFound otherwise, whoever's it is.

    Over by the clock of this node, it may not be by another's, so it ends all the same.
    """
    session = Session.objects.filter(id=session_id, user_id=user_id).first()
    if session is None:
        raise NotFound
    ended = revoke(session_id=session_id, reason=reason)
    if not session.is_active(datetime.now(UTC)):
        raise NotFound
    return ended


def revoke_all(*, user_id: uuid.UUID, reason: RevokedReason, keep: uuid.UUID | None = None) -> int:
    """Ends all sessions of the user but `keep`, and says how many active ones they were.

    What is over by the clock of this node ends too: on a node behind it, a refresh would carry it on. Redis is told again
    of what ended lately.
    """
    now = datetime.now(UTC)
    sessions = Session.objects.filter(user_id=user_id)
    with transaction.atomic(savepoint=False):
        _end(sessions.exclude(id=keep) if keep else sessions, reason, now)
        ended = list(sessions.filter(revoked_at__gte=now - _LATELY).values_list("id", "revoked_at", "expires_at"))
        transaction.on_commit(lambda: invalidation.mark_revoked([session_id for session_id, _, _ in ended]))
    return sum(revoked_at == now < expires_at for _, revoked_at, expires_at in ended)


def _end(sessions: SessionQuerySet, reason: RevokedReason, now: datetime | None = None) -> int:
    moment = now or datetime.now(UTC)
    # The data goes at once, in the same statement; the rest of the row is history for HISTORY_RETENTION.
    changes = {"revoked_at": moment, "revoked_reason": reason, "updated_at": moment, "data": {}}
    ended = sessions.filter(revoked_at=None).update(**changes)
    if ended:
        transaction.on_commit(lambda: SESSIONS_REVOKED.labels(str(reason)).inc(ended))
    return ended


def enforce_session_limit(*, user_id: uuid.UUID) -> int:
    """Ends the active sessions idle longest, as many as stand in the way of one more (MAX_SESSIONS_PER_USER; 0 is no bound).

    Says how many they were.
    """
    bound = settings.MAX_SESSIONS_PER_USER
    if not bound:
        return 0
    surplus = [row.id for row in _sessions_beyond(bound - 1).fetch_all(user_id=user_id, now=datetime.now(UTC))]
    if not surplus:
        return 0
    with transaction.atomic(savepoint=False):
        transaction.on_commit(lambda: invalidation.mark_revoked(surplus))
        return _end(Session.objects.filter(id__in=surplus), RevokedReason.TOO_MANY_SESSIONS)


@dataclass(frozen=True, slots=True)
class _SessionId:
    id: uuid.UUID


@functools.cache
def _sessions_beyond(number: int) -> PreparedSelect[_SessionId]:
    """The user's active sessions but for so many, those seen last."""

    def query() -> QuerySet[Session, Any]:
        active = Session.objects.active(Param("now", DateTimeField())).filter(user_id=Param("user_id", UUIDField()))
        return active.order_by("-last_seen_at", "-id")[number:]

    return PreparedSelect(query, returning=lambda: Fields(_SessionId))


def refresh_cached_principals(*, user_id: uuid.UUID) -> None:
    """After a change of the user's name, role or activity was committed: the next request of each session acts by it."""
    transaction.on_commit(lambda: _tell_principals(user_id))


def _tell_principals(user_id: uuid.UUID) -> None:
    """Looks again after writing: of two changes at once, the one read first may have been written last."""
    told, found = None, _principals(user_id)
    while found != told:
        invalidation.replace_entries(found)
        told, found = found, _principals(user_id)


def _principals(user_id: uuid.UUID) -> list[Principal]:
    fields = ("user_id", "user__username", "user__role", "id", "second_factor")
    sessions = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, user__is_active=True).order_by("id")
    return [Principal(*row) for row in sessions.values_list(*fields)]


def clear_second_factor(*, user_id: uuid.UUID) -> None:
    """The user's second factor is gone, and with it what it proved. Wants to be within the transaction that removes it."""
    Session.objects.filter(user_id=user_id, second_factor=True).update(second_factor=False)
    refresh_cached_principals(user_id=user_id)


def erase_client_data(*, user_id: uuid.UUID) -> None:
    """Deletes what clients stored with the user's sessions, ended ones included."""
    Session.objects.filter(user_id=user_id).update(name="", data={})


def is_active(*, user_id: uuid.UUID, session_id: uuid.UUID) -> bool:
    """Return whether the session is the user's and active, by the database."""
    return Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, id=session_id).exists()


def list_active(*, user_id: uuid.UUID) -> list[Session]:
    """The user's active sessions, at most MAX_LISTED, the one seen last first."""
    active = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id)
    return list(active.order_by("-last_seen_at", "-id")[:MAX_LISTED])


def get_active(*, user_id: uuid.UUID, session_id: uuid.UUID) -> Session:
    session = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, id=session_id).first()
    if session is None:
        raise NotFound
    return session


def update_metadata(*, user_id: uuid.UUID, session_id: uuid.UUID, changes: dict[str, Any]) -> Session:
    """Sets `name` and `data`, those of the two that `changes` holds; NotFound for a session that is not the user's."""
    session, now = get_active(user_id=user_id, session_id=session_id), datetime.now(UTC)
    wanted: dict[str, Any] = {field: changes[field] for field in ("name", "data") if field in changes}
    values = {field: value for field, value in wanted.items() if _json(value) != _json(getattr(session, field))}
    if not values:
        return session
    values["updated_at"] = now
    if not Session.objects.active(now).filter(user_id=user_id, id=session_id).update(**values):
        raise NotFound
    for field, value in values.items():
        setattr(session, field, value)
    return session


def _json(value: Any) -> str:
    """In Python 1, 1.0 and True are equal; in JSON they differ."""
    return json.dumps(value, sort_keys=True)
