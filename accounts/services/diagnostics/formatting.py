"""How people, deeds, times and limits are called in a sentence for support."""

import re
import uuid
from datetime import UTC, datetime

from accounts.models import AuditEvent, User

_POLICY = re.compile(r'"([^"]+)";q=(\d+);w=(\d+)')


def time_of(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def user(user_id: uuid.UUID | None) -> str:
    """By name while there is an account; the audit outlives it."""
    if user_id is None:
        return "somebody unknown"
    name = User.objects.filter(id=user_id).values_list("username", flat=True).first()
    return f"user {name}" if name else f"user {user_id}, who is deleted,"


def deed(event: AuditEvent) -> str:
    return f"{event.kind} at {time_of(event.created_at)}{trace(event)}"


def trace(event: AuditEvent) -> str:
    """By whom, where that is not the user, and with which request, from where, on what."""
    by = _author(event)
    parts = (
        f"by {by}" if by else "",
        f"request {event.request_id}" if event.request_id else "by a command or a shell",
        f"from {event.ip}" if event.ip else "",
        event.device.replace(", ", " on ", 1),
    )
    return f" ({', '.join(filter(None, parts))})"


def _author(event: AuditEvent) -> str:
    if "clientName" in event.facts:
        return f"the service {event.facts['clientName']}"
    return user(event.actor_id) if event.actor_id not in {None, event.user_id} else ""


def limit(policy: str) -> str:
    """`"login";q=30;w=60` is "login" of 30 in 60 s."""
    found = _POLICY.fullmatch(policy)
    return f"“{found[1]}” of {found[2]} in {found[3]} s" if found else policy
