"""The errors of passkeys."""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from core.api.exceptions import ApiError, Unauthorized


class PasskeyInvalid(ApiError):
    """Raised for each defect of a credential alike: challenge, origin, signature, flags, encoding."""

    status, code = HTTPStatus.BAD_REQUEST, "passkey_invalid"
    message = _("This passkey could not be verified. Try again.")


class PasskeyInvalidLogin(Unauthorized):
    """The same at sign-in and as the second factor, where the credential authenticates. Also for a deactivated owner."""

    code, message = "passkey_invalid", PasskeyInvalid.message


class PasskeyUnknown(Unauthorized):
    """No account has the passkey. A page can then call `signalUnknownCredential`, so that the browser stops offering it."""

    code, message = "passkey_unknown", _("This passkey does not belong to an account here.")


class PasskeyExists(ApiError):
    status, code = HTTPStatus.CONFLICT, "passkey_exists"
    message = _("This passkey has already been added.")


class TooManyPasskeys(ApiError):
    status, code = HTTPStatus.BAD_REQUEST, "too_many_passkeys"
    message = _("You can have up to 20 passkeys. Remove one first.")


class NoPasskey(ApiError):
    """Options that name the user's passkeys were requested. An empty list would let an authenticator offer any passkey."""

    status, code = HTTPStatus.BAD_REQUEST, "no_passkey"
    message = _("You have no passkey.")
