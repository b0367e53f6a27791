"""Replaces the cached principals of a user whose name, role, state or authentication context changed."""

import uuid
from datetime import UTC, datetime

from django.db import transaction

from sessions_tracking.models import Session
from sessions_tracking.principal import PRINCIPAL_FIELDS, Principal
from sessions_tracking.principal_cache import invalidation


def refresh_cached_principals(*, user_id: uuid.UUID) -> None:
    """Replace the user's cache entries after the commit, so that the next requests see the new username, role or state."""
    transaction.on_commit(lambda: _write_principals(user_id))


def _write_principals(user_id: uuid.UUID) -> None:
    """Read again after each write: of two concurrent changes, the one that was read first may be written last."""
    written, current = None, _principals(user_id)
    while current != written:
        invalidation.replace_entries(current)
        written, current = current, _principals(user_id)


def _principals(user_id: uuid.UUID) -> list[Principal]:
    sessions = Session.objects.active(datetime.now(UTC)).filter(user_id=user_id, user__is_active=True).order_by("id")
    return [Principal.from_row(row) for row in sessions.values_list(*PRINCIPAL_FIELDS)]
