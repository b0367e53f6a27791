"""The errors of two-factor authentication."""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError


class MfaAlreadyEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_already_enabled"
    message = _("Two-factor authentication is already on. Turn it off first.")


class MfaNotEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_not_enabled"
    message = _("Two-factor authentication is not on. Set it up first.")
