"""The errors of the account flows."""

from datetime import timedelta
from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError, Unauthorized


class EmailTaken(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "email_taken"
    message = _("An account with this email already exists.")


class UsernameTaken(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "username_taken"
    message = _("This username is already taken.")


class InvalidCredentials(Unauthorized):
    """Raised for an unknown user, a wrong password and a deactivated account alike (ASVS 6.3.8)."""

    code, message = "invalid_credentials", _("Incorrect identifier or password.")


class EmailNotVerified(ApiError):
    """Raised only after the correct password."""

    status, code = HTTPStatus.FORBIDDEN, "email_not_verified"
    message = _("Verify your email before signing in.")


class EmailAlreadyVerified(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "email_already_verified"
    message = _("This email is already verified.")


class UserNotFound(ApiError):
    status, code = HTTPStatus.NOT_FOUND, "user_not_found"
    message = _("No account has this email.")


class CodeInvalid(ApiError):
    """Raised for a wrong, expired or used code, and for another or an unknown email alike."""

    status, code = HTTPStatus.BAD_REQUEST, "code_invalid"
    message = _("The code is incorrect or has expired.")


class TooManyAttempts(ApiError):
    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts"
    message = _("Too many incorrect codes. Request a new one.")

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class ResetTokenInvalid(ApiError):
    """The status is 400, because the reset token is a field of the body and does not authenticate the request."""

    status, code = HTTPStatus.BAD_REQUEST, "token_invalid"
    message = _("This link is no longer valid. Request a new one.")


class UndoTokenInvalid(ApiError):
    """The status is 400 for the same reason as in ResetTokenInvalid."""

    status, code = HTTPStatus.BAD_REQUEST, "token_invalid"
    message = _("This link is no longer valid.")


class PreviousEmailTaken(EmailTaken):
    message = _("Another account now uses your previous email. Remove it from that account, then open this link again.")


class PasswordIncorrect(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "password_incorrect"
    message = _("Incorrect password.")

    def __init__(self, *, field: str) -> None:
        super().__init__(errors={field: [self.message]})


class RefreshTokenReused(Unauthorized):
    code, message = (
        "refresh_token_reused",
        _("This refresh token has already been used. This session has been revoked."),
    )


class LastAdmin(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "last_admin"
    message = _("This is the last active administrator. Appoint another one first.")


class LastSignInMethod(ApiError):
    """A user keeps at least one of: a password, a passkey, an identity of an enabled provider."""

    status, code = HTTPStatus.BAD_REQUEST, "last_sign_in_method"
    message = _("This is your only way to sign in. Add another one first.")


class CannotDemoteSelf(ApiError):
    """Administrators cannot demote themselves, so an administrator always remains."""

    status, code = HTTPStatus.BAD_REQUEST, "own_rights"
    message = _("You can't remove your own administrator access. Ask another administrator to do it.")


class InvitationNotNeeded(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "invitation_not_needed"
    message = _("Only an active user with an email and no password can be invited.")


class NoEmailRecipient(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "nobody_to_write_to"
    message = _("This user is not active or has no email.")


class MfaRequired(ApiError):
    """Raised with REQUIRE_ADMIN_MFA for administrators who signed in without a second factor."""

    status, code = HTTPStatus.FORBIDDEN, "mfa_required"
    message = _("Sign in with two-factor authentication to do this.")


class ReauthenticationRequired(Unauthorized):
    """The session's authentication is too old or too weak for the operation. The header is that of RFC 9470 §3."""

    code, message = "reauthentication_required", _("Confirm that it's you to continue.")

    def __init__(self, *, max_age: timedelta | None = None, acr: str | None = None) -> None:
        super().__init__()
        parameters = {"error": "insufficient_user_authentication"}
        if max_age is not None:
            parameters["max_age"] = str(int(max_age.total_seconds()))
        if acr is not None:
            parameters["acr_values"] = acr
        challenge = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        self.headers["WWW-Authenticate"] = f"Bearer {challenge}"


class SecondFactorRequired(ApiError):
    """A password or an emailed code was sent to confirm the identity of a user who has a second factor."""

    status, code = HTTPStatus.BAD_REQUEST, "second_factor_required"
    message = _("Confirm your identity with your second factor or a recovery code.")


class TooManyWrongCodes(ApiError):
    """Too many wrong codes for one account, from the second factor or from emails. `retry_after` is in whole seconds."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_attempts"
    message = _("Too many incorrect codes. Try again later.")

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


class InvalidClient(Unauthorized):
    """A service failed to authenticate. The header has Basic (RFC 6749 §5.2) and, as every 401 of this API, Bearer."""

    code, message = "invalid_client", _("Incorrect client ID or secret.")

    def __init__(self) -> None:
        super().__init__()
        self.headers["WWW-Authenticate"] = 'Bearer, Basic realm="vestibule"'
