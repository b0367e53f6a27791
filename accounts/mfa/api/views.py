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
        """Removes your authenticator app. If it is your last second factor, your recovery codes are deleted too."""
        enrolment.disable(
            principal=current_principal(request),
            password=validated_data(PasswordForm, request).get("password"),
            client=read_client_info(request),
        )
        return success(message=_("The authenticator app has been removed."))

    @action(detail=False, methods=["post"], url_path="mfa/totp/confirm")
    @documented(docs.CONFIRM)
    def confirm_totp(self, request: Request) -> Response:
        """Adds the app with a first code. If it is your first second factor, the response has your recovery codes, shown once."""
        principal = current_principal(request)
        codes = enrolment.confirm(
            user_id=principal.id,
            session_id=principal.session_id,
            code=validated_data(ConfirmTotpForm, request)["code"],
            client=read_client_info(request),
        )
        return _added(codes)

    @action(detail=False, methods=["post"], url_path="mfa/recovery-codes")
    @documented(docs.RENEW)
    def renew_recovery_codes(self, request: Request) -> Response:
        """Creates ten new recovery codes; the previous ones stop working. Requires your password."""
        password = validated_data(PasswordForm, request).get("password")
        codes = recovery_codes.renew(principal=current_principal(request), password=password)
        return success(
            {"recoveryCodes": codes}, message=_("These are your new recovery codes. Keep them in a safe place.")
        )


def _added(codes: list[str]) -> Response:
    """Respond to a confirmed app: without `recoveryCodes` if the user had a second factor, and so has codes, before."""
    if not codes:
        return success({}, message=_("The authenticator app has been added."))
    message = _("Two-factor authentication is on. Keep your recovery codes in a safe place.")
    return success({"recoveryCodes": codes}, message=message)
