"""Changes the email of an account, and undoes the change."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.docs import email_change as docs
from accounts.api.presenters.users import user_profile
from accounts.api.serializers.email_change import ChangeEmailForm, ConfirmEmailForm, UndoEmailChangeForm
from accounts.services import email_change, email_change_undo
from core.api.origin import require_trusted
from core.api.responses import success
from core.api.validation import validated_data
from core.api.viewsets import ViewSet
from core.openapi.operation import documented
from core.throttling.by_ip import enforce_ip_limit
from sessions_tracking.api.current_principal import current_principal
from sessions_tracking.client_info import read_client_info


class EmailChangeViewSet(ViewSet):
    @action(detail=False, methods=["post"], url_path="change-email")
    @documented(docs.REQUEST)
    def change_email(self, request: Request) -> Response:
        """Sends a code to the new email and a notice to the current one, which you keep until you confirm the code.

        Another request sends a new code and invalidates the former one.
        """
        form = validated_data(ChangeEmailForm, request)
        require_trusted(request)  # it sends email
        email_change.request(
            principal=current_principal(request),
            new_email=form["newEmail"],
            password=form.get("password"),
            client=read_client_info(request),
        )
        return success(message=_("A verification code is on its way to your new email address."))

    @action(detail=False, methods=["post"], url_path="change-email/confirm")
    @documented(docs.CONFIRM)
    def confirm_change_email(self, request: Request) -> Response:
        """Confirms the new email with the six-digit code sent to it. The fifth wrong attempt invalidates the code."""
        code = validated_data(ConfirmEmailForm, request)["code"]
        principal = current_principal(request)
        user = email_change.confirm(
            user_id=principal.id, session_id=principal.session_id, code=code, client=read_client_info(request)
        )
        return success({"user": user_profile(user)}, message=_("Your email address has been changed."))


class EmailChangeUndoViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="change-email/undo")
    @documented(docs.UNDO)
    def undo_change_email(self, request: Request) -> Response:
        """Restores the previous email with the token of the link sent to it, and ends every session.

        Sends a link to set a new password to the previous email. Works for 72 hours, even after further changes.
        """
        token = validated_data(UndoEmailChangeForm, request)["token"]
        require_trusted(request)  # it sends email
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        email_change_undo.undo(token=token)
        return success(
            message=_(
                "Your previous email address has been restored, and you have been signed out of all devices. Check your inbox."
            )
        )
