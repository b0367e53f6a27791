"""Rows of the outbox: written in the caller's transaction, and cancelled when a newer email replaces them."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts.mail.kinds import EmailKind
from accounts.mail.wake_worker import wake_worker
from accounts.models import EmailState, OutboxEmail, User
from core.db.prepared_writes import insert
from core.http.request_context import current_request, request_id

# The changes that cancel an email. Its content is no longer needed.
CANCELLED: Mapping[str, Any] = {"state": EmailState.CANCELLED, "context": {}}


def enqueue(kind: EmailKind, user: User, context: Mapping[str, Any] | None = None) -> None:
    """Write an email to the user, unless the user has none."""
    if user.email:
        write(kind=kind, user=user, recipient=user.email, language=user.language, context=context)


def write(
    *,
    kind: EmailKind,
    recipient: str,
    language: str = "en",
    user: User | None = None,
    context: Mapping[str, Any] | None = None,
    state: EmailState = EmailState.QUEUED,
) -> OutboxEmail:
    now = datetime.now(UTC)
    email = OutboxEmail(
        kind=kind.name,
        user=user,
        recipient=recipient,
        language=language,
        context=dict(context or {}) | _request_context(),
        state=state,
        due_at=now,
        created_at=now,
    )
    insert(email)
    transaction.on_commit(wake_worker)
    return email


def _request_context() -> dict[str, str]:
    """Return the ID of the request for the worker's log lines. Commands have none."""
    request = current_request()
    return {"request_id": request_id(request)} if request is not None else {}


def cancel_queued(kind: EmailKind, user_id: uuid.UUID) -> None:
    queued = OutboxEmail.objects.filter(kind=kind.name, user_id=user_id, state=EmailState.QUEUED)
    queued.update(**CANCELLED)
