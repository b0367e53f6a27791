"""Moving an account to another address, and back."""

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
        """Mails a code to the new address and a notice to the old one, which stays yours until you give the code.

        Ask again for another code; the former dies.
        """
        form = validated_data(ChangeEmailForm, request)
        principal = current_principal(request)
        email_change.request(
            user_id=principal.id,
            session_id=principal.session_id,
            new_email=form["newEmail"],
            password=form["password"],
            client=read_client_info(request),
        )
        return success(message=_("A code is on its way to the new address."))

    @action(detail=False, methods=["post"], url_path="change-email/confirm")
    @documented(docs.CONFIRM)
    def confirm_change_email(self, request: Request) -> Response:
        """Makes the new address yours, with the six-digit code from its email. The fifth wrong try kills the code."""
        code = validated_data(ConfirmEmailForm, request)["code"]
        principal = current_principal(request)
        user = email_change.confirm(
            user_id=principal.id, session_id=principal.session_id, code=code, client=read_client_info(request)
        )
        return success({"user": user_profile(user)}, message=_("Your address has been changed."))


class EmailChangeUndoViewSet(ViewSet):
    authentication_classes = []
    permission_classes = [AllowAny]

    @action(detail=False, methods=["post"], url_path="change-email/undo")
    @documented(docs.UNDO)
    def undo_change_email(self, request: Request) -> Response:
        """Puts the old address back with the token of the link that went there, and ends every session.

        The old address is mailed a link to choose another password. Works for 72 hours, also after further changes.
        """
        token = validated_data(UndoEmailChangeForm, request)["token"]
        require_trusted(request)  # it sends email
        enforce_ip_limit(request, settings.RATE_LIMIT_ANONYMOUS)
        email_change_undo.undo(token=token)
        return success(message=_("Your address is back, and every session has ended. Check your inbox."))
