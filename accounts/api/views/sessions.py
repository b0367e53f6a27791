"""The caller's own sessions; that one was ended goes into the audit."""

import uuid

from accounts.services import logout
from sessions_tracking.api.views import SessionViewSet
from sessions_tracking.principal import Principal


class OwnSessionViewSet(SessionViewSet):
    def end(self, principal: Principal, session_id: uuid.UUID) -> None:
        logout.end_session(principal=principal, session_id=session_id)
