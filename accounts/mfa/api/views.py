"""The endpoints that add and remove an authenticator app, and renew recovery codes."""

from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers.forms import PasswordForm
from accounts.mfa.api import docs
from accounts.mfa.api.forms import ConfirmTotpForm
from accounts.mfa.flows import enrolment, recovery_codes
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class SecondFactorViewSet(ViewSet):
    @action(detail=False, methods=["post"], url_path="mfa/totp")
    @documented(docs.START)
    def start_totp(self, request: Request) -> Response:
        """Creates a secret for your authenticator app and shows it once. Logins do not require it until you confirm it."""
        principal = current_principal(request)
        started = enrolment.start(user_id=principal.id, session_id=principal.session_id)
        data = {"secret": started.secret, "otpauthUri": started.uri, "qrSvg": started.qr_svg}
        return success(data, message=_("Scan the QR code with your authenticator app, then send the code it shows."))

    @start_totp.mapping.delete
    @documented(docs.DISABLE)
    def disable_totp(self, request: Request) -> Response:
        """Removes your authenticator app and your recovery codes. Requires your password."""
        principal = current_principal(request)
        enrolment.disable(
            user_id=principal.id,
            session_id=principal.session_id,
            password=validated_data(PasswordForm, request)["password"],
            client=read_client_info(request),
        )
        return success(message=_("Two-factor authentication is off."))

    @action(detail=False, methods=["post"], url_path="mfa/totp/confirm")
    @documented(docs.CONFIRM)
    def confirm_totp(self, request: Request) -> Response:
        """Turns two-factor authentication on with a first code. The response has your recovery codes, which are shown once."""
        principal = current_principal(request)
        codes = enrolment.confirm(
            user_id=principal.id,
            session_id=principal.session_id,
            code=validated_data(ConfirmTotpForm, request)["code"],
            client=read_client_info(request),
        )
        return success(
            {"recoveryCodes": codes},
            message=_("Two-factor authentication is on. Keep your recovery codes in a safe place."),
        )

    @action(detail=False, methods=["post"], url_path="mfa/recovery-codes")
    @documented(docs.RENEW)
    def renew_recovery_codes(self, request: Request) -> Response:
        """Creates ten new recovery codes; the previous ones stop working. Requires your password."""
        principal = current_principal(request)
        codes = recovery_codes.renew(
            user_id=principal.id,
            session_id=principal.session_id,
            password=validated_data(PasswordForm, request)["password"],
        )
        return success(
            {"recoveryCodes": codes}, message=_("These are your new recovery codes. Keep them in a safe place.")
        )
