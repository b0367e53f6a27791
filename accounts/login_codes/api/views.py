"""The endpoints that email a code, to sign in or to confirm an identity, and the one that signs in with it."""

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import Transport, requested_transport
from accounts.api.login_responses import first_factor_response
from accounts.api.serializers.forms import EmailForm
from accounts.api.serializers.session_options import session_options
from accounts.login_codes.api import docs
from accounts.login_codes.api.forms import LoginByCodeForm
from accounts.login_codes.cookie import clear_login_token, read_login_token, set_login_token
from accounts.login_codes.flows import reauthentication, sign_in
from accounts.login_codes.flows.sign_in import EmailedSecret
from core.api.exceptions import NotFound
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.timestamps import iso
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class ReauthenticationCodeViewSet(ViewSet):
    @action(detail=False, methods=["post"], url_path="reauthenticate/email")
    @documented(docs.REAUTHENTICATE)
    def email_reauthentication_code(self, request: Request) -> Response:
        """Sends a code for the `emailCode` of `/reauthenticate`, valid in this session only.

        For users who have no password and no second factor: all others confirm their identity with those.
        """
        require_trusted(request)  # it sends email
        principal = current_principal(request)
        reauthentication.request_code(
            user_id=principal.id, session_id=principal.session_id, client=read_client_info(request)
        )
        return success(message=_("A code to confirm that it's you is on its way."))


class LoginCodeViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="login/code")
    @documented(docs.REQUEST)
    def request_login_code(self, request: Request) -> Response:
        """Sends a code and a link to sign in, if an account has the email. The response does not reveal whether one does.

        Keep the `loginToken`: the code and the link work only with it. `expiresAt` is when the code expires at the earliest,
        since its ten minutes start when the email is sent.
        """
        if not settings.LOGIN_CODES:
            raise NotFound
        transport, form = requested_transport(request), validated_data(EmailForm, request)
        require_trusted(request)  # a page of another site must not send emails through its visitors
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        requested = sign_in.request_code(
            email=form["email"], language=get_language() or "en", client=read_client_info(request)
        )
        response = success(
            {"loginToken": requested.login_token, "expiresAt": iso(requested.expires_at)},
            message=_("If an account has this email, a code to sign in is on its way."),
        )
        if transport is not Transport.BODY:
            set_login_token(response, requested.login_token)
        return response

    @action(detail=False, methods=["post"], url_path="login/code/verify")
    @documented(docs.VERIFY)
    def verify_login_code(self, request: Request) -> Response:
        """Signs in with the emailed `code`, or with the `token` of the link, and the `loginToken` of the body or the cookie.

        If this is the first proof of the email, the account passes to the person who signs in: everything that was set up
        before is removed. With a second factor, the response has only an `mfaToken`.
        """
        transport, form = requested_transport(request), validated_data(LoginByCodeForm, request)
        require_trusted(request)  # login CSRF
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        result = sign_in.log_in(
            secret=EmailedSecret(
                login_token=form.get("loginToken") or read_login_token(request),
                code=form.get("code"),
                token=form.get("token"),
            ),
            client=read_client_info(request),
            session_options=session_options(form),
        )
        response = first_factor_response(result, transport)
        if transport is not Transport.BODY:
            clear_login_token(response)
        return response
