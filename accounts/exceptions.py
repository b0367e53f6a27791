"""The errors of the account flows."""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError, Unauthorized


class EmailTaken(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "email_taken"
    message = _("An account with this email exists already.")


class UsernameTaken(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "username_taken"
    message = _("This username is taken.")


class InvalidCredentials(Unauthorized):
    """Unknown user, wrong password and deactivated account alike (ASVS 6.3.8)."""

    code, message = "invalid_credentials", _("The identifier or the password is wrong.")


class EmailNotVerified(ApiError):
    """Only for whoever gave the right password."""

    status, code = HTTPStatus.FORBIDDEN, "email_not_verified"
    message = _("Verify your email before you sign in.")


class EmailAlreadyVerified(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "email_already_verified"
    message = _("This email is verified already.")


class UserNotFound(ApiError):
    status, code = HTTPStatus.NOT_FOUND, "user_not_found"
    message = _("There is no account with this email.")


class CodeInvalid(ApiError):
    """Wrong, expired, used, or for another or unknown address: one answer for all."""

    status, code = HTTPStatus.BAD_REQUEST, "code_invalid"
    message = _("The code is wrong or has expired.")


class TooManyAttempts(ApiError):
    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts"
    message = _("Too many wrong codes. Ask for a new one.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class ResetTokenInvalid(ApiError):
    """The token of a password reset: a 400, since it is a field of the body and no credential of the request."""

    status, code = HTTPStatus.BAD_REQUEST, "token_invalid"
    message = _("The link is not valid any more. Ask for a new one.")


class UndoTokenInvalid(ApiError):
    """The token of a link that undoes a change of address: a field of the body, as that of a reset."""

    status, code = HTTPStatus.BAD_REQUEST, "token_invalid"
    message = _("This link is not valid any more.")


class FormerAddressTaken(EmailTaken):
    message = _("Another account has your former address by now. Free it there, and use this link again.")


class PasswordIncorrect(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "password_incorrect"
    message = _("The password is wrong.")

    def __init__(self, *, field: str) -> None:
        super().__init__(errors={field: [self.message]})


class RefreshTokenReused(Unauthorized):
    code, message = "refresh_token_reused", _("This refresh token was used before. The session has been ended.")


class LastAdmin(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "last_admin"
    message = _("This is the last active administrator. Make another one first.")


class CannotDemoteSelf(ApiError):
    """Nobody locks themselves out: since whoever takes rights away keeps their own, an administrator always remains."""

    status, code = HTTPStatus.BAD_REQUEST, "own_rights"
    message = _("You cannot take away your own rights here. Ask another administrator.")


class InvitationNotNeeded(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "invitation_not_needed"
    message = _("Only an active user with an email and without a password can be invited.")


class NoEmailRecipient(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "nobody_to_write_to"
    message = _("Only for an active user with an email.")


class MfaAlreadyEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_already_enabled"
    message = _("There is an authenticator app already. Remove it first.")


class MfaNotEnabled(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "mfa_not_enabled"
    message = _("There is no authenticator app. Add one first.")


class MfaRequired(ApiError):
    """For administrators where REQUIRE_ADMIN_MFA is on: their session began without a second factor."""

    status, code = HTTPStatus.FORBIDDEN, "mfa_required"
    message = _("Sign in with a second factor to do this.")


class TooManyWrongCodes(ApiError):
    """Of one account, however many codes it had: of its second factor, or by mail. `retry_after` is in whole seconds."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts"
    message = _("Too many wrong codes. Try again later.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


class InvalidClient(Unauthorized):
    """A service did not prove itself, and is told how (RFC 6749 §5.2), beside what every 401 of this API says."""

    code, message = "invalid_client", _("The client id or its secret is wrong.")

    def __init__(self) -> None:
        super().__init__()
        self.headers["WWW-Authenticate"] = 'Bearer, Basic realm="vestibule"'
