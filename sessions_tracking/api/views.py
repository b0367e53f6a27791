"""The user's own sessions. Another user's session is not found, like one that never existed."""

import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exceptions import NotFound
from core.api.responses import success
from core.api.viewsets import ViewSet
from core.ids import parse_id
from core.openapi.operation import documented
from sessions_tracking import services as sessions
from sessions_tracking.api import docs
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.api.presenters import session_data
from sessions_tracking.api.serializers import SessionPatch
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal


class SessionViewSet(ViewSet):
    lookup_value_regex = "[^/]+"
    ends_sessions = frozenset({"destroy"})

    @documented(docs.LIST)
    def list(self, request: Request) -> Response:
        """Lists your active sessions, the most recently seen first."""
        principal = current_principal(request)
        active = sessions.list_active(user_id=principal.id)
        return success({"sessions": [session_data(session, current=principal.session_id) for session in active]})

    @documented(docs.RETRIEVE)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Returns one of your active sessions."""
        principal = current_principal(request)
        session = sessions.get_active(user_id=principal.id, session_id=_id(pk))
        return success({"session": session_data(session, current=principal.session_id)})

    @documented(docs.UPDATE)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Sets a session's name, or replaces the data that is stored with it."""
        principal = current_principal(request)
        form = SessionPatch(data=request.data)
        form.is_valid(raise_exception=True)
        session = sessions.update_metadata(user_id=principal.id, session_id=_id(pk), changes=form.validated_data)
        return success({"session": session_data(session, current=principal.session_id)})

    @documented(docs.DELETE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Revokes a session immediately. It may be your current one."""
        self.revoke(current_principal(request), _id(pk))
        return success()

    def revoke(self, principal: Principal, session_id: uuid.UUID) -> None:
        """Revoke the session. Override to add side effects, such as an audit event."""
        sessions.revoke_own(user_id=principal.id, session_id=session_id, reason=RevokedReason.SESSION_DELETED)


def _id(text: str) -> uuid.UUID:
    session_id = parse_id(text)
    if session_id is None:
        raise NotFound
    return session_id
