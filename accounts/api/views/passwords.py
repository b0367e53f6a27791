"""Resets and changes passwords."""

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.docs import passwords as docs
from accounts.api.serializers.forms import ChangePasswordForm, ForgotPasswordForm, ResetPasswordForm
from accounts.services import passwords
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class PasswordResetViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="forgot-password")
    @documented(docs.FORGOT)
    def forgot_password(self, request: Request) -> Response:
        """Sends a link to set a new password, if an account has the email. The response does not reveal whether one does."""
        form = validated_data(ForgotPasswordForm, request)
        require_trusted(request)  # a page of another site must not send emails through its visitors
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        passwords.request_reset(email=form["email"], language=get_language() or "en")
        return success(message=_("If an account has this email, a link to set a new password is on its way."))

    @action(detail=False, methods=["post"], url_path="reset-password")
    @documented(docs.RESET)
    def reset_password(self, request: Request) -> Response:
        """Sets a new password with the token of the emailed link. Ends every session, and verifies the email."""
        form = validated_data(ResetPasswordForm, request)
        require_trusted(request)  # it sends email
        passwords.reset(token=form["token"], new_password=form["newPassword"], client=read_client_info(request))
        return success(message=_("Your password has been changed. Sign in with the new one."))


class PasswordChangeViewSet(ViewSet):
    @action(detail=False, methods=["post"], url_path="change-password")
    @documented(docs.CHANGE)
    def change_password(self, request: Request) -> Response:
        """Sets a new password, given the current one, and ends your other sessions."""
        form, principal = validated_data(ChangePasswordForm, request), current_principal(request)
        passwords.change(
            user_id=principal.id,
            principal=principal,
            current_password=form.get("currentPassword"),
            new_password=form["newPassword"],
            client=read_client_info(request),
        )
        return success(message=_("Your password has been changed."))
