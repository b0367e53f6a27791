"""The endpoint by which the user of a session proves again who they are."""

from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import Transport, requested_transport, set_access_cookie
from accounts.api.docs import reauthentication as docs
from accounts.api.presenters.login import stepped_up_data
from accounts.api.serializers.reauthentication import ReauthenticateForm
from accounts.services import step_up
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class ReauthenticationViewSet(ViewSet):
    @action(detail=False, methods=["post"])
    @documented(docs.REAUTHENTICATE)
    def reauthenticate(self, request: Request) -> Response:
        """Proves again who you are, which permits sensitive operations for `REAUTHENTICATION_MAX_AGE`.

        Takes the password, or an emailed code if you have neither password nor passkey. With a second factor, it takes that or
        a recovery code only. The new access token says so to services that verify tokens themselves; your former one works
        here too. The refresh token does not change.
        """
        transport, form = requested_transport(request), validated_data(ReauthenticateForm, request)
        require_trusted(request)  # it sets a cookie
        stepped_up = step_up.step_up(
            principal=current_principal(request), response=form["response"], client=read_client_info(request)
        )
        response = success(stepped_up_data(stepped_up, transport), message=_("Your identity is confirmed."))
        if transport is not Transport.BODY:
            set_access_cookie(
                response,
                stepped_up.access_token,
                expires_at=stepped_up.access_expires_at,
                is_persistent=stepped_up.session.persistent,
            )
        return response
