"""How what is on record about somebody looks on the wire: their activity, and all the rest, for an export."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from rest_framework.renderers import JSONRenderer

from accounts.api.presenters.users import user_profile
from accounts.mfa.models import TotpFactor
from accounts.models import AuditEvent, AuditKind, EmailChange, OutboxEmail
from accounts.services.export import Held
from core.api.timestamps import iso, iso_or_none
from sessions_tracking.api.presenters import session_data
from sessions_tracking.models import Session

Row = TypeVar("Row")


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


def held_chunks(held: Held, *, current: uuid.UUID) -> Iterator[bytes]:
    """The envelope with all that is held, as pieces of JSON. `current` is the id of the caller's own session."""
    yield b'{"success":true,"data":{"user":' + _json(user_profile(held.user))
    yield b',"secondFactor":' + _json(_factor_data(held.factor, recovery_codes_left=held.recovery_codes_left))
    yield from _list("sessions", held.sessions, lambda session: _session_data(session, current=current))
    yield from _list("emails", held.emails, _email_data)
    yield from _list("emailChanges", held.email_changes, _email_change_data)
    yield from _list("activity", held.events, event_data)
    yield b"}}"


def _list(name: str, chunks: Iterator[Sequence[Row]], represent: Callable[[Row], dict[str, Any]]) -> Iterator[bytes]:
    yield f',"{name}":['.encode()
    separator = b""
    for chunk in chunks:
        yield separator + b",".join(_json(represent(row)) for row in chunk)
        separator = b","
    yield b"]"


def _json(value: Any) -> bytes:
    rendered: bytes = JSONRenderer().render(value)
    return rendered


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
