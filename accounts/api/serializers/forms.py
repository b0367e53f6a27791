"""The request bodies, and the query of paginated lists."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import (
    CurrentPassword,
    Identifier,
    Language,
    NewPassword,
    OneTimeCode,
    Password,
    PastedToken,
    PersonName,
    QueryInteger,
    RegistrationEmail,
    StrictBoolean,
    Username,
)
from accounts.api.serializers.session_options import SessionOptionsForm
from accounts.registries import SIGN_UP_METHODS
from accounts.services.registration import SignUpCredential
from core.api.fields import PlainText

Form = serializers.Serializer[dict[str, Any]]


class ProfileForm(Form):
    """The fields of PROFILE_FIELDS, which every form of a user inherits."""

    firstName = PersonName(source="first_name")
    lastName = PersonName(source="last_name")
    username = Username(required=False)
    language = Language()


class OwnProfileForm(ProfileForm):
    """The fields that owners change: those of PROFILE_FIELDS and GUARDED_PROFILE_FIELDS."""

    loginCodes = StrictBoolean(
        required=False,
        source="login_codes",
        help_text="Whether an emailed code can sign you in. Requires a recent proof.",
    )


class NewAccountForm(ProfileForm):
    email = RegistrationEmail()
    username = Username()
    password = NewPassword()
    language = Language(help_text="The language of emails. Defaults to that of `Accept-Language`.")


class RegisterForm(NewAccountForm):
    """Takes a password, or the field of a registered method, which the validated data has as `sign_up_credential`."""

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["password"].required = not SIGN_UP_METHODS.all()
        return fields | {method.field: method.field_class(required=False) for method in SIGN_UP_METHODS}

    def to_internal_value(self, data: Any) -> Any:
        """List a missing password beside the other invalid fields."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors: Any = error.detail
            if isinstance(data, Mapping) and not {"password", *(method.field for method in SIGN_UP_METHODS)} & set(
                data
            ):
                errors = {**errors, "password": [_("This field is required.")]}
            raise serializers.ValidationError(errors) from error

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        credentials = [
            SignUpCredential(method=method, value=attrs.pop(method.field))
            for method in SIGN_UP_METHODS
            if method.field in attrs
        ]
        if len(credentials) + ("password" in attrs) != 1:
            names = ["password", *(method.field for method in SIGN_UP_METHODS)]
            message = _("Send exactly one of these fields: %(fields)s.") % {"fields": ", ".join(names)}
            raise serializers.ValidationError({"password": [message]})
        return attrs | {"sign_up_credential": credentials[0] if credentials else None}


class VerifyEmailForm(Form):
    email = Identifier()
    code = OneTimeCode()


class EmailForm(Form):
    email = Identifier()


class ForgotPasswordForm(Form):
    """Accepts any text, because the response must not reveal whether an account has the email."""

    email = PlainText()


class LoginForm(SessionOptionsForm):
    email = Identifier(required=False)
    username = Identifier(required=False)
    identifier = Identifier(required=False, help_text="An email or a username.")
    password = Password()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("email", "username", "identifier")) != 1:
            raise serializers.ValidationError(
                {"identifier": [_("Provide exactly one of email, username and identifier.")]}
            )
        return attrs


class RefreshForm(Form):
    refreshToken = PastedToken(
        max_length=None,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Defaults to the cookie.",
    )


class LogoutForm(Form):
    sessionId = PlainText(
        required=False, allow_null=True, help_text="The id of another of your sessions, to end that one instead."
    )
    refreshToken = PastedToken(
        max_length=None,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Sufficient if the access token has expired.",
    )
    mfaToken = PastedToken(
        max_length=None,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="The token of a sign-in to cancel before its second factor.",
    )


class LogoutAllForm(Form):
    exceptCurrent = StrictBoolean(default=False)


class PasswordForm(Form):
    password = CurrentPassword()


class ResetPasswordForm(Form):
    token = PastedToken()
    newPassword = NewPassword()


class ChangePasswordForm(Form):
    currentPassword = CurrentPassword()
    newPassword = NewPassword()


class PageQuery(Form):
    page = QueryInteger(min_value=1, max_value=1_000_000, default=1)
    pageSize = QueryInteger(min_value=1, max_value=100, default=20, source="page_size")
