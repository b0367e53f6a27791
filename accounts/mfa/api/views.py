"""The second factor: added, removed, and asked for at sign-in."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.cookies import requested_transport
from accounts.api.login_responses import login_response
from accounts.api.serializers.forms import PasswordForm
from accounts.mfa.api import docs as docs
from accounts.mfa.api.mfa_forms import ConfirmTotpForm, VerifyMfaForm
from accounts.mfa.flows import enrolment, login, recovery_codes
from accounts.mfa.flows.login import Proof
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import checked
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class SecondFactorViewSet(ViewSet):
    @action(detail=False, methods=["post"], url_path="mfa/totp")
    @documented(docs.START)
    def start_totp(self, request: Request) -> Response:
        """Makes a secret for your authenticator app and shows it once. Nothing is asked for until you confirm it."""
        principal = current_principal(request)
        started = enrolment.start(user_id=principal.id, session_id=principal.session_id)
        data = {"secret": started.secret, "otpauthUri": started.uri, "qrSvg": started.qr_svg}
        return success(data, message=_("Scan the picture with your app, and send the code that it shows."))

    @start_totp.mapping.delete
    @documented(docs.DISABLE)
    def disable_totp(self, request: Request) -> Response:
        """Removes your authenticator app and your recovery codes. Takes your password."""
        principal = current_principal(request)
        enrolment.disable(
            user_id=principal.id,
            session_id=principal.session_id,
            password=checked(PasswordForm, request)["password"],
            client=read_client_info(request),
        )
        return success(message=_("Your second factor has been removed."))

    @action(detail=False, methods=["post"], url_path="mfa/totp/confirm")
    @documented(docs.CONFIRM)
    def confirm_totp(self, request: Request) -> Response:
        """Switches the second factor on with a first code. Your recovery codes are in this answer and never shown again."""
        principal = current_principal(request)
        codes = enrolment.confirm(
            user_id=principal.id,
            session_id=principal.session_id,
            code=checked(ConfirmTotpForm, request)["code"],
            client=read_client_info(request),
        )
        return success({"recoveryCodes": codes}, message=_("Your second factor is on. Keep the recovery codes safe."))

    @action(detail=False, methods=["post"], url_path="mfa/recovery-codes")
    @documented(docs.RENEW)
    def renew_recovery_codes(self, request: Request) -> Response:
        """Makes ten new recovery codes; the former ones stop working. Takes your password."""
        principal = current_principal(request)
        codes = recovery_codes.renew(
            user_id=principal.id,
            session_id=principal.session_id,
            password=checked(PasswordForm, request)["password"],
        )
        return success({"recoveryCodes": codes}, message=_("These are your new recovery codes. Keep them safe."))


class MfaVerificationViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="mfa/verify")
    @documented(docs.VERIFY)
    def verify_mfa(self, request: Request) -> Response:
        """Finishes a sign-in with a code of the app or a recovery code. It then answers as the sign-in itself does."""
        transport, form = requested_transport(request), checked(VerifyMfaForm, request)
        require_trusted(request)  # as for the sign-in that it finishes
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        sign_in = login.log_in(
            token=form["mfaToken"],
            proof=Proof(code=form.get("code"), recovery_code=form.get("recoveryCode")),
            client=read_client_info(request),
        )
        return login_response(sign_in, transport)
