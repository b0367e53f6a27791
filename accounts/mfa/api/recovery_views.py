"""The endpoints that remove all second factors of a user who has lost them, after a delay."""

from http import HTTPStatus

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import TokenAuthentication
from accounts.mfa.api import recovery_docs as docs
from accounts.mfa.api.forms import BeginRecoveryForm, CancelRecoveryForm, CompleteRecoveryForm
from accounts.mfa.flows import lost_factors
from core.api.exceptions import AuthenticationRequired
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.timestamps import iso
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.client_info import read_client_info
from sessions_tracking.principal import Principal


class FactorRecoveryViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="mfa/recovery")
    @documented(docs.BEGIN)
    def begin_recovery(self, request: Request) -> Response:
        """Starts the removal of all second factors of a user who has lost them, and emails the links to complete and to stop it.

        Repeating the request changes nothing and sends nothing. Not available to administrators and staff.
        """
        token = validated_data(BeginRecoveryForm, request)["mfaToken"]
        _protect(request)
        available_at = lost_factors.begin(mfa_token=token, client=read_client_info(request))
        data = {"availableAt": iso(available_at)}
        return success(data, message=_("Check your inbox for the next step."), status=HTTPStatus.ACCEPTED)

    @action(detail=False, methods=["post"], url_path="mfa/recovery/complete")
    @documented(docs.COMPLETE)
    def complete_recovery(self, request: Request) -> Response:
        """Removes all second factors with the token of the email's link, and ends every session.

        Works once, from `availableAt` on; before that, `Retry-After` says in how many seconds.
        """
        token = validated_data(CompleteRecoveryForm, request)["token"]
        _protect(request)
        lost_factors.complete(token=token, client=read_client_info(request))
        message = _("Two-factor authentication is off, and you have been signed out of all devices.")
        return success(message=message)

    @action(detail=False, methods=["post"], url_path="mfa/recovery/cancel")
    @documented(docs.CANCEL)
    def cancel_recovery(self, request: Request) -> Response:
        """Stops the recovery with the token of the email's link or, without a token, from any session of the user."""
        token, client = validated_data(CancelRecoveryForm, request).get("token"), read_client_info(request)
        _protect(request)
        if token is not None:
            lost_factors.stop_by_link(token=token, client=client)
        else:
            principal = _principal(request)
            lost_factors.stop_by_session(user_id=principal.id, session_id=principal.session_id, client=client)
        return success(message=_("The recovery has been stopped. Two-factor authentication stays on."))


def _protect(request: Request) -> None:
    require_trusted(request)  # each of them sends email
    enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)


def _principal(request: Request) -> Principal:
    result = TokenAuthentication().authenticate(request)
    if result is None:
        raise AuthenticationRequired
    return result[0]
