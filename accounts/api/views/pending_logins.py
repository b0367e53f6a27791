"""The endpoint that completes a login with a second factor."""

from django.conf import settings
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import requested_transport
from accounts.api.docs import pending_logins as docs
from accounts.api.login_responses import login_response
from accounts.api.serializers.pending_logins import VerifyMfaForm
from accounts.services import login
from core.api.origin import require_trusted
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.client_info import read_client_info


class PendingLoginViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="mfa/verify")
    @documented(docs.VERIFY)
    def verify_mfa(self, request: Request) -> Response:
        """Completes a login with a second factor or a recovery code. The response is that of the login."""
        transport, form = requested_transport(request), validated_data(VerifyMfaForm, request)
        require_trusted(request)  # as for the login that it completes
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        sign_in = login.complete_login(
            token=form["mfaToken"],
            response=form["response"],
            client=read_client_info(request),
            session_options=form["session_options"],
        )
        return login_response(sign_in, transport)
