"""The caller's own sessions; another's is as absent as one that never was."""

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
        """Your active sessions, the one seen last first."""
        principal = current_principal(request)
        found = sessions.list_active(user_id=principal.id)
        return success({"sessions": [session_data(session, current=principal.session_id) for session in found]})

    @documented(docs.RETRIEVE)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One of your active sessions."""
        principal = current_principal(request)
        session = sessions.get_active(user_id=principal.id, session_id=_id(pk))
        return success({"session": session_data(session, current=principal.session_id)})

    @documented(docs.UPDATE)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Names a session, or replaces the object that is kept with it."""
        principal = current_principal(request)
        form = SessionPatch(data=request.data)
        form.is_valid(raise_exception=True)
        session = sessions.update_metadata(user_id=principal.id, session_id=_id(pk), changes=form.validated_data)
        return success({"session": session_data(session, current=principal.session_id)})

    @documented(docs.DELETE)
    def destroy(self, request: Request, pk: str) -> Response:
        """Ends a session at once; your current one too."""
        self.end(current_principal(request), _id(pk))
        return success()

    def end(self, principal: Principal, session_id: uuid.UUID) -> None:
        """For whoever mounts this view to add to what goes with the end of a session."""
        sessions.revoke_own(user_id=principal.id, session_id=session_id, reason=RevokedReason.SESSION_DELETED)


def _id(text: str) -> uuid.UUID:
    found = parse_id(text)
    if found is None:
        raise NotFound
    return found
