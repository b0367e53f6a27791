"""OpenAPI documentation of the session endpoints."""

from typing import Any

from core.api.exceptions import NotFound
from core.openapi.operation import Operation, parameter
from sessions_tracking.api.serializers import SessionData, SessionList, SessionPatch

TAG = "Sessions"
SESSION: dict[str, Any] = {
    "id": "01981c63-1f5e-7a90-b1c2-93d4e5f60718",
    "name": "Kitchen tablet",
    "device": "Tablet",
    "browser": "Safari 18",
    "os": "iPadOS 18",
    "platform": "iPad",
    "location": "Unknown",
    "ip": "203.0.113.7",
    "userAgent": "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1",
    "data": {"theme": "dark"},
    "current": True,
    "createdAt": "2026-01-15T09:35:00.000Z",
    "updatedAt": "2026-01-15T09:35:00.000Z",
    "lastSeenAt": "2026-01-15T09:41:00.000Z",
    "expiresAt": "2026-01-22T09:35:00.000Z",
}
_ID = parameter("id", "path", "The session's id.", example=SESSION["id"], schema={"type": "string", "format": "uuid"})

LIST = Operation(
    tag=TAG,
    summary="List your sessions",
    name="list_sessions",
    data=SessionList,
    answers={"One session": {"sessions": [SESSION]}},
)

RETRIEVE = Operation(
    tag=TAG,
    summary="Get a session",
    name="read_session",
    parameters=[_ID],
    data=SessionData,
    answers={"The session": {"session": SESSION}},
    errors=[NotFound],
)

UPDATE = Operation(
    tag=TAG,
    summary="Update a session's name or data",
    name="update_session",
    parameters=[_ID],
    request=SessionPatch,
    requests={"A name": {"name": "Kitchen tablet"}, "Data": {"data": {"theme": "dark"}}},
    data=SessionData,
    answers={"The updated session": {"session": SESSION}},
    errors=[NotFound],
)

DELETE = Operation(tag=TAG, summary="Revoke a session", name="delete_session", parameters=[_ID], errors=[NotFound])
