"""A form for each request body."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import (
    AnyAddress,
    Language,
    NewPassword,
    OneTimeCode,
    Password,
    PastedToken,
    PersonName,
    SignUpEmail,
    Username,
)
from core.api.fields import DataObject, PlainText

Form = serializers.Serializer[dict[str, Any]]


class RegisterForm(Form):
    email = SignUpEmail()
    username = Username()
    password = NewPassword()
    firstName = PersonName()
    lastName = PersonName()
    language = Language(help_text="Of the emails; that of `Accept-Language` if left out.")


class VerifyEmailForm(Form):
    email = AnyAddress()
    code = OneTimeCode()


class AddressForm(Form):
    email = AnyAddress()


class ForgotPasswordForm(Form):
    """Any text will do: what is no address is nobody's, and the answer does not tell."""

    email = PlainText()


class LoginForm(Form):
    email = AnyAddress(required=False)
    username = AnyAddress(required=False)
    identifier = AnyAddress(required=False, help_text="An email or a username.")
    password = Password()
    deviceName = PlainText(required=False, max_length=100, allow_blank=True, help_text="Becomes the session's `name`.")
    data = DataObject(required=False, help_text="Kept with the session.")  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("email", "username", "identifier")) != 1:
            raise serializers.ValidationError({"identifier": [_("Give one of email, username and identifier.")]})
        return attrs


class RefreshForm(Form):
    refreshToken = PastedToken(
        max_length=None,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="The cookie serves where this is left out.",
    )


class LogoutForm(Form):
    sessionId = PlainText(
        required=False, allow_null=True, help_text="Another of your sessions, to end that one instead."
    )
    refreshToken = PastedToken(
        max_length=None,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Enough, where the access token has expired.",
    )
    mfaToken = PastedToken(
        max_length=None,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Of a sign-in to give up before its second factor.",
    )


class LogoutAllForm(Form):
    exceptCurrent = serializers.BooleanField(default=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """REST framework's field takes "yes" and 1 for true; JSON has a word of its own for it."""
        if isinstance(data, dict) and not isinstance(data.get("exceptCurrent", False), bool):
            raise serializers.ValidationError({"exceptCurrent": [_("Must be true or false.")]})
        return dict(super().to_internal_value(data))


class ProfileForm(Form):
    firstName = PersonName()
    lastName = PersonName()
    username = Username(required=False)
    language = Language()


class PasswordForm(Form):
    password = Password()


class ResetPasswordForm(Form):
    token = PastedToken()
    newPassword = NewPassword()


class ChangePasswordForm(Form):
    currentPassword = Password()
    newPassword = NewPassword()
