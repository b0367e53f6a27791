"""OpenAPI documentation of the session endpoints."""

from datetime import UTC, datetime
from uuid import UUID

from core.api.exceptions import NotFound
from core.openapi.operation import Operation, parameter
from sessions_tracking.api.presenters import session_data
from sessions_tracking.api.serializers import SessionData, SessionList, SessionPatch
from sessions_tracking.models import Session

TAG = "Sessions"
_TABLET = Session(
    id=UUID("01981c63-1f5e-7a90-b1c2-93d4e5f60718"),
    name="Kitchen tablet",
    device="Tablet",
    browser="Safari 18",
    os="iPadOS 18",
    platform="iPad",
    location="Unknown",
    ip="203.0.113.7",
    user_agent="Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1",
    data={"theme": "dark"},
    amr="pwd",
    acr="aal1",
    authenticated_at=datetime(2026, 1, 15, 9, 35, tzinfo=UTC),
    created_at=datetime(2026, 1, 15, 9, 35, tzinfo=UTC),
    updated_at=datetime(2026, 1, 15, 9, 35, tzinfo=UTC),
    last_seen_at=datetime(2026, 1, 15, 9, 41, tzinfo=UTC),
    expires_at=datetime(2026, 1, 22, 9, 35, tzinfo=UTC),
)
SESSION = session_data(_TABLET, current=_TABLET.id)
_ID = parameter("id", "path", "The session's id.", example=SESSION["id"], schema={"type": "string", "format": "uuid"})

LIST = Operation(
    tag=TAG,
    summary="List your sessions",
    name="list_sessions",
    data=SessionList,
    responses={"One session": {"sessions": [SESSION]}},
)

RETRIEVE = Operation(
    tag=TAG,
    summary="Get a session",
    name="read_session",
    parameters=[_ID],
    data=SessionData,
    responses={"The session": {"session": SESSION}},
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
    responses={"The updated session": {"session": SESSION}},
    errors=[NotFound],
)

DELETE = Operation(tag=TAG, summary="Revoke a session", name="delete_session", parameters=[_ID], errors=[NotFound])
