"""Rows of the outbox: written into the caller's transaction, and given up for a newer one."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts.mail.wake_worker import nudge
from accounts.models import EmailKind, EmailState, OutboxEmail, User
from core.db.prepared_writes import insert
from core.http.request_context import current_request, request_id

# The changes that cancel an email: its content is no longer needed.
CANCELLED: Mapping[str, Any] = {"state": EmailState.CANCELLED, "context": {}}


def promise(kind: EmailKind, user: User, context: Mapping[str, Any] | None = None) -> None:
    """Who has no address gets none."""
    if user.email:
        write(kind=kind, user=user, address=user.email, language=user.language, context=context)


def write(
    *,
    kind: EmailKind,
    address: str,
    language: str = "en",
    user: User | None = None,
    context: Mapping[str, Any] | None = None,
    state: EmailState = EmailState.QUEUED,
) -> None:
    now = datetime.now(UTC)
    insert(
        OutboxEmail(
            kind=kind,
            user=user,
            address=address,
            language=language,
            context=dict(context or {}) | _origin(),
            state=state,
            due_at=now,
            created_at=now,
        )
    )
    transaction.on_commit(nudge)


def _origin() -> dict[str, str]:
    """The request that promised it, for the worker's lines; commands have none."""
    request = current_request()
    return {"request_id": request_id(request)} if request is not None else {}


def cancel_waiting(kind: EmailKind, user_id: uuid.UUID) -> None:
    OutboxEmail.objects.filter(kind=kind, user_id=user_id, state=EmailState.QUEUED).update(**CANCELLED)
