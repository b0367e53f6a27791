"""The errors of two-factor authentication."""

import math
from datetime import UTC, datetime
from http import HTTPStatus

from django.utils import formats
from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError, PermissionDenied, type_of_message


class MfaAlreadyEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_already_enabled"
    message = _("Your account already has an authenticator app. Remove it first.")


class MfaNotEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_not_enabled"
    message = _("Two-factor authentication is not on. Set it up first.")


class NoAuthenticatorApp(MfaNotEnabled):
    """Raised although the user may have a passkey: the operation is about the app."""

    message = _("Your account has no authenticator app. Add one first.")


class RecoveryUnavailable(PermissionDenied):
    """The account is an administrator's or staff's, or has no verified email, or the deployment switched the recovery off."""

    message = _("This account can't be recovered by email. Ask an administrator for help.")


class RecoveryNotReady(ApiError):
    """`Retry-After` has the seconds until the recovery is available."""

    status, code = HTTPStatus.BAD_REQUEST, "recovery_not_ready"
    message: type_of_message = _("It's too early to turn off two-factor authentication. Open this link again later.")

    def __init__(self, *, available_at: datetime) -> None:
        seconds = math.ceil((available_at - datetime.now(UTC)).total_seconds())
        super().__init__(headers={"Retry-After": str(max(1, seconds))})
        at = formats.date_format(available_at.astimezone(UTC), "j F Y, H:i")
        self.message = _("You can turn off two-factor authentication after %(at)s UTC.") % {"at": at}


class RecoveryTokenInvalid(ApiError):
    """The status is 400, because the token is a field of the body and does not authenticate the request."""

    status, code = HTTPStatus.BAD_REQUEST, "token_invalid"
    message = _("This link is no longer valid.")
