"""The endpoints that sign in by passkey, and those that return the options for each use of one."""

from django.conf import settings
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import requested_transport
from accounts.api.login_responses import login_response
from accounts.api.serializers.session_options import session_options
from accounts.passkeys.api import sign_in_docs as docs
from accounts.passkeys.api.sign_in_forms import MfaPasskeyOptionsForm, PasskeyLoginForm, SignUpOptionsForm
from accounts.passkeys.flows import second_factor, sign_in, sign_up, step_up
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class PasskeySignInViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="passkeys/login/options")
    @documented(docs.LOGIN_OPTIONS)
    def passkey_login_options(self, request: Request) -> Response:
        """Returns options for `navigator.credentials.get()`, with or without autofill. They name no user."""
        require_trusted(request)  # as for the sign-in
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        return success({"publicKey": sign_in.get_options()})

    @action(detail=False, methods=["post"], url_path="passkeys/login")
    @documented(docs.LOGIN)
    def passkey_login(self, request: Request) -> Response:
        """Signs in by passkey and starts a session at `aal2`: no further factor is asked for.

        With `passkey_unknown`, a page can call `PublicKeyCredential.signalUnknownCredential()`.
        """
        transport, form = requested_transport(request), validated_data(PasskeyLoginForm, request)
        require_trusted(request)  # login CSRF
        enforce_ip_limit(request, settings.RATE_LIMIT_LOGIN)
        started = sign_in.sign_in(
            credential=form["credential"], client=read_client_info(request), session_options=session_options(form)
        )
        return login_response(started, transport)

    @action(detail=False, methods=["post"], url_path="passkeys/signup/options")
    @documented(docs.SIGN_UP_OPTIONS)
    def passkey_signup_options(self, request: Request) -> Response:
        """Returns options for `navigator.credentials.create()`. Send the passkey to `/register` as `credential`.

        Whether an account with the email or the username exists, `/register` says.
        """
        form = validated_data(SignUpOptionsForm, request)
        require_trusted(request)
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        return success({"publicKey": sign_up.get_options(email=form.get("email"), username=form["username"])})

    @action(detail=False, methods=["post"], url_path="mfa/passkey/options")
    @documented(docs.SECOND_FACTOR_OPTIONS)
    def mfa_passkey_options(self, request: Request) -> Response:
        """Returns options for a passkey as the second factor. Send it to `/mfa/verify` as `credential`."""
        form = validated_data(MfaPasskeyOptionsForm, request)
        require_trusted(request)
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        return success({"publicKey": second_factor.get_options(mfa_token=form["mfaToken"])})


class PasskeyStepUpViewSet(ViewSet):
    @action(detail=False, methods=["post"], url_path="reauthenticate/options")
    @documented(docs.STEP_UP_OPTIONS)
    def reauthenticate_options(self, request: Request) -> Response:
        """Returns options for a passkey as a recent proof. Send it to `/reauthenticate` as `credential`."""
        return success({"publicKey": step_up.get_options(principal=current_principal(request))})
