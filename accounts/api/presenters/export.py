"""The activity of an account and the export of all its data in responses. Each shape declares its fields once."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from accounts.api.presenters.users import UserProfile, user_profile
from accounts.mail.kinds import EMAIL_KINDS
from accounts.models import AuditEvent, AuditKind, EmailState
from accounts.models.audit_event import AUDIT_KINDS
from accounts.registries import EXPORT_SECTIONS
from accounts.services.export import PersonalData
from core.api.shapes import Shape, presenter
from core.api.timestamps import iso_or_none
from sessions_tracking.api.presenters import session_data
from sessions_tracking.api.serializers import SessionShape
from sessions_tracking.models import RevokedReason, Session

Row = TypeVar("Row")


class Event(Shape):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[(kind.name, kind.label) for kind in AUDIT_KINDS])
    by = serializers.ChoiceField(
        choices=["you", "administrator", "service", "unknown", "system"],
        help_text="`unknown` did not authenticate: a failed sign-in, a stolen token.",
    )
    sessionId = serializers.UUIDField(
        source="session_id", allow_null=True, help_text="The session concerned, if known."
    )
    ip = serializers.CharField(allow_null=True, help_text="Also null if an administrator did it.")
    device = serializers.CharField(allow_blank=True)
    facts = serializers.DictField(help_text="Details by kind of event: short plain values.")
    createdAt = serializers.DateTimeField(source="created_at")


class ExportedSession(SessionShape):
    revokedAt = serializers.DateTimeField(allow_null=True)
    revokedReason = serializers.ChoiceField(choices=RevokedReason.choices, allow_blank=True)


class ExportedEmail(Shape):
    kind = serializers.ChoiceField(choices=[(kind.name, kind.label) for kind in EMAIL_KINDS])
    address = serializers.CharField(source="recipient")
    state = serializers.ChoiceField(choices=EmailState.choices)
    createdAt = serializers.DateTimeField(source="created_at")
    sentAt = serializers.DateTimeField(source="sent_at", allow_null=True)
    details = serializers.DictField(source="context")


class ExportedEmailChange(Shape):
    oldEmail = serializers.CharField(source="old_email", allow_null=True)
    newEmail = serializers.CharField(source="new_email")
    requestedAt = serializers.DateTimeField(source="requested_at")
    confirmedAt = serializers.DateTimeField(source="confirmed_at", allow_null=True)
    undoneAt = serializers.DateTimeField(source="undone_at", allow_null=True)


class ExportedData(Shape):
    user = UserProfile()
    sessions = ExportedSession(many=True)
    emails = ExportedEmail(many=True)
    emailChanges = ExportedEmailChange(many=True)
    activity = Event(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Add the sections of the installed capabilities."""
        fields: dict[str, Any] = super().get_fields()
        return fields | {section.name: section.shape() for section in EXPORT_SECTIONS}


_event_data = presenter(Event, computed={"by"})
email_data = presenter(ExportedEmail)
_email_change_data = presenter(ExportedEmailChange)


def event_data(event: AuditEvent) -> dict[str, Any]:
    """Omit IP and device of an administrator or a service, and the reason of a deactivation, which only administrators see."""
    by = _actor_label(event)
    data = _event_data(event) | {"by": by}
    if by in {"administrator", "service"}:
        data |= {"ip": None, "device": ""}
    if event.kind == AuditKind.USER_DEACTIVATED:
        data["facts"] = {}
    return data


def _actor_label(event: AuditEvent) -> str:
    """Return `unknown` for an actor who did not authenticate, and `system` for an event without a request."""
    if event.actor_id is not None:
        return "you" if event.actor_id == event.user_id else "administrator"
    if "client" in event.facts:
        return "service"
    return "unknown" if event.request_id else "system"


def export_chunks(data: PersonalData, *, current: uuid.UUID) -> Iterator[bytes]:
    """Yield the JSON of the response in pieces. `current` is the id of the caller's own session."""
    yield b'{"success":true,"data":{"user":' + _json(user_profile(data.user))
    for name, section in data.sections.items():
        yield f',"{name}":'.encode() + _json(section)
    yield from _list("sessions", data.sessions, lambda session: exported_session(session, current=current))
    yield from _list("emails", data.emails, email_data)
    yield from _list("emailChanges", data.email_changes, _email_change_data)
    yield from _list("activity", data.events, event_data)
    yield b"}}"


def _list(name: str, chunks: Iterator[Sequence[Row]], present: Callable[[Row], dict[str, Any]]) -> Iterator[bytes]:
    yield f',"{name}":['.encode()
    separator = b""
    for chunk in chunks:
        yield separator + b",".join(_json(present(row)) for row in chunk)
        separator = b","
    yield b"]"


def _json(value: Any) -> bytes:
    rendered: bytes = JSONRenderer().render(value)
    return rendered


def exported_session(session: Session, *, current: uuid.UUID | None) -> dict[str, Any]:
    end = {"revokedAt": iso_or_none(session.revoked_at), "revokedReason": session.revoked_reason}
    return session_data(session, current=current) | end
