"""Sessions in responses."""

import uuid
from typing import Any

from core.api.shapes import presenter
from sessions_tracking.api.serializers import SessionShape
from sessions_tracking.models import Session

_session_data = presenter(SessionShape, computed={"current"})


def session_data(session: Session, *, current: uuid.UUID | None) -> dict[str, Any]:
    """`current` is the id of the caller's own session."""
    data = _session_data(session)
    data["current"] = session.id == current
    return data
