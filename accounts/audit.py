"""Writes to the audit trail: who did what to whom, when and from where. One INSERT, in the transaction of the action itself."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import transaction

from accounts.metrics import AUDIT_EVENTS, LOGINS, REAUTHENTICATIONS, REFRESH_REUSE
from accounts.models import AuditEvent, AuditKind
from core.db.prepared_writes import insert
from core.http.request_context import current_request, request_id
from core.observability.request_identity import set_current_identity
from sessions_tracking.client_info import read_client_info

_REAUTHENTICATIONS: Mapping[str, str] = {AuditKind.REAUTHENTICATED: "ok", AuditKind.REAUTHENTICATION_FAILED: "failed"}
Facts = Mapping[str, str | int | bool]


def record(
    kind: str,
    *,
    user_id: uuid.UUID | None,
    actor_id: uuid.UUID | None = None,
    session_id: uuid.UUID | None = None,
    facts: Facts | None = None,
) -> None:
    """Write an event. Call it in the transaction of the action, so that neither is committed without the other.

    `kind` is a registered audit kind. `actor_id` is the authenticated user who acted, often the user concerned. IP, device
    and request id are those of the current request; commands and shells have none.
    """
    request = current_request()
    client = read_client_info(request) if request is not None else None
    insert(
        AuditEvent(
            kind=kind,
            user_id=user_id,
            actor_id=actor_id,
            session_id=session_id,
            ip=client.ip if client else None,
            device=client.label if client else "",
            request_id=request_id(request) if request is not None else "",
            facts=dict(facts or {}),
            created_at=datetime.now(UTC),
        )
    )
    set_current_identity(user_id=actor_id or user_id, session_id=session_id)
    noted = dict(facts or {})
    transaction.on_commit(lambda: _count(kind, noted))


def _count(kind: str, facts: Facts) -> None:
    """Count the event in the metrics here, so that metrics and audit trail agree."""
    AUDIT_EVENTS.labels(str(kind)).inc()
    if kind == AuditKind.LOGIN:
        LOGINS.labels("ok").inc()
    elif kind == AuditKind.LOGIN_FAILED:
        LOGINS.labels(str(facts.get("reason") or "refused")).inc()
    elif kind == AuditKind.MFA_FAILED:
        LOGINS.labels("second_factor").inc()
    elif kind in _REAUTHENTICATIONS:
        REAUTHENTICATIONS.labels(str(facts["method"]), _REAUTHENTICATIONS[kind]).inc()
    elif kind == AuditKind.REFRESH_TOKEN_REUSED:
        REFRESH_REUSE.inc()
