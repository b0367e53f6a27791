"""The user's sessions: list, update and revoke them, with an audit event for each revocation."""

import uuid

from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import clear_cookies
from accounts.api.docs import tokens as docs
from accounts.api.serializers.forms import LogoutAllForm
from accounts.services import logout
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.api.views import SessionViewSet
from sessions_tracking.principal import Principal


class AuditedSessionViewSet(SessionViewSet):
    def revoke(self, principal: Principal, session_id: uuid.UUID) -> None:
        logout.revoke_session(principal=principal, session_id=session_id)


class LogoutAllViewSet(ViewSet):
    ends_sessions = frozenset({"logout_all"})

    @action(detail=False, methods=["post"], url_path="logout-all")
    @documented(docs.LOGOUT_ALL)
    def logout_all(self, request: Request) -> Response:
        """Revokes all your sessions immediately, or all except the one of this request."""
        except_current = validated_data(LogoutAllForm, request)["exceptCurrent"]
        revoked = logout.log_out_everywhere(principal=current_principal(request), except_current=except_current)
        if except_current:
            return success({"revoked": revoked}, message=_("You've been signed out of all other devices."))
        response = success({"revoked": revoked}, message=_("You've been signed out of all devices."))
        clear_cookies(response)
        return response
