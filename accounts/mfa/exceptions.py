"""The errors of two-factor authentication."""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError


class MfaAlreadyEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_already_enabled"
    message = _("Your account already has an authenticator app. Remove it first.")


class MfaNotEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_not_enabled"
    message = _("Two-factor authentication is not on. Set it up first.")


class NoAuthenticatorApp(MfaNotEnabled):
    """Raised although the user may have a passkey: the operation is about the app."""

    message = _("Your account has no authenticator app. Add one first.")
