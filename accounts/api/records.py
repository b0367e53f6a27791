"""How what is on record about somebody looks on the wire: their activity, and all the rest, for an export."""

import uuid
from typing import Any

from accounts.api.representation import user_profile
from accounts.models import AuditEvent, AuditKind, EmailChange, OutboxEmail, TotpFactor
from accounts.services.export import Held
from config.api.times import iso, iso_or_none
from sessions_tracking.api.representation import session_data
from sessions_tracking.models import Session


def event_data(event: AuditEvent) -> dict[str, Any]:
    """Without address and device where an administrator or a service did it, since those are theirs."""
    by = _doer(event)
    is_foreign = by in {"administrator", "service"}
    return {
        "id": str(event.id),
        "kind": event.kind,
        "by": by,
        "sessionId": str(event.session_id) if event.session_id else None,
        "ip": None if is_foreign else event.ip,
        "device": "" if is_foreign else event.device,
        # The reason of a deactivation is for administrators alone.
        "facts": {} if event.kind == AuditKind.USER_DEACTIVATED else event.facts,
        "createdAt": iso(event.created_at),
    }


def _doer(event: AuditEvent) -> str:
    """`unknown` has not shown who they are: a failed sign-in, a stolen token. Without a request it was the system."""
    if event.actor_id is not None:
        return "you" if event.actor_id == event.user_id else "administrator"
    if "client" in event.facts:
        return "service"
    return "unknown" if event.request_id else "system"


def held_data(held: Held, *, current: uuid.UUID) -> dict[str, Any]:
    """`current` is the id of the caller's own session."""
    return {
        "user": user_profile(held.user),
        "secondFactor": _factor_data(held.factor, recovery_codes_left=held.recovery_codes_left),
        "sessions": [_session_data(session, current=current) for session in held.sessions],
        "emails": [_email_data(email) for email in held.emails],
        "emailChanges": [_email_change_data(change) for change in held.email_changes],
        "activity": [event_data(event) for event in held.events],
    }


def _factor_data(factor: TotpFactor | None, *, recovery_codes_left: int) -> dict[str, Any]:
    """The state of the second factor, never its secret."""
    return {
        "enabledAt": iso_or_none(factor.confirmed_at if factor else None),
        "recoveryCodesLeft": recovery_codes_left,
    }


def _session_data(session: Session, *, current: uuid.UUID) -> dict[str, Any]:
    """A session on record, with when and why it ended, if it did."""
    ending = {"revokedAt": iso_or_none(session.revoked_at), "revokedReason": session.revoked_reason}
    return session_data(session, current=current) | ending


def _email_data(email: OutboxEmail) -> dict[str, Any]:
    return {
        "kind": email.kind,
        "address": email.address,
        "state": email.state,
        "createdAt": iso(email.created_at),
        "sentAt": iso_or_none(email.sent_at),
        "details": email.context,
    }


def _email_change_data(change: EmailChange) -> dict[str, Any]:
    return {
        "oldEmail": change.old_email,
        "newEmail": change.new_email,
        "requestedAt": iso(change.requested_at),
        "confirmedAt": iso_or_none(change.confirmed_at),
        "undoneAt": iso_or_none(change.undone_at),
    }
