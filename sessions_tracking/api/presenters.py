"""The JSON representation of a session."""

import uuid
from typing import Any

from core.api.timestamps import iso
from sessions_tracking.models import Session


def session_data(session: Session, *, current: uuid.UUID | None) -> dict[str, Any]:
    """Return the JSON of a session. `current` is the id of the request's own session."""
    return {
        "id": str(session.id),
        "name": session.name,
        "device": session.device,
        "browser": session.browser,
        "os": session.os,
        "platform": session.platform,
        "location": session.location,
        "ip": session.ip,
        "userAgent": session.user_agent,
        "data": session.data,
        "current": session.id == current,
        "createdAt": iso(session.created_at),
        "updatedAt": iso(session.updated_at),
        "lastSeenAt": iso(session.last_seen_at),
        "expiresAt": iso(session.expires_at),
    }
