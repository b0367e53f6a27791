"""The errors of emailed codes."""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError


class EmailCodeUnavailable(ApiError):
    """Raised for users who can confirm their identity with a password or a second factor, and for those without an email."""

    status, code = HTTPStatus.BAD_REQUEST, "email_code_unavailable"
    message = _("Confirm your identity with your password, passkey or second factor instead.")
