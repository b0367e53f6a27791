"""The fields of requests about accounts."""

import re
from typing import Any

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.identity_validators import MAX_EMAIL_LENGTH, validate_email, validate_username
from accounts.passwords.validators import MAX_PASSWORD_LENGTH, CompositionValidator, PasswordLengthValidator
from accounts.verification import pasted_text
from core.api.fields import PlainText, SecretText, Text


class NewEmail(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_EMAIL_LENGTH, validators=[validate_email], **kwargs)


class RegistrationEmail(NewEmail):
    """May be left out where EMAIL_VERIFICATION is `none`."""

    @property
    def required(self) -> bool:
        return settings.EMAIL_VERIFICATION != "none"

    @required.setter
    def required(self, value: bool) -> None:
        """Ignore the value that REST framework sets."""


class Username(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=30, validators=[validate_username], **kwargs)


class PersonName(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=150, required=False, **kwargs)


class Language(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=settings.LANGUAGES, required=False, **kwargs)


class Password(SecretText):
    """An existing password. An overlong one is rejected before it costs a hash."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        message = format_lazy(self.error_messages["max_length"], max_length=MAX_PASSWORD_LENGTH)
        self.validators.append(PasswordLengthValidator(MAX_PASSWORD_LENGTH, message=message))


class CurrentPassword(Password):
    """The password of a signed-in user, which the service requires if the user has one."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = "Required if you have a password; otherwise a recent proof replaces it."
        super().__init__(**({"required": False, "help_text": help_text} | kwargs))


class NewPassword(Password):
    """Validates length and kinds of characters. Rules that depend on the user are checked by the service."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(CompositionValidator().validate)


class Identifier(PlainText):
    """Text that is looked up as an email or a username. Its form is not validated, so that all unknown ones fail alike."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=320, **kwargs)


class OneTimeCode(Text):
    """Six digits, from an email or an authenticator app, as users paste them.

    Text that cannot be a code is rejected here and does not count as an attempt.
    """

    default_error_messages = {"not_a_code": _("Enter the six digits of the code.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, help_text="Six digits. Spaces and dashes are ignored.", **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        code = pasted_text.one_time_code(text)
        if code is None:
            self.fail("not_a_code")
        return code


class PastedToken(SecretText):
    """A token from a link or an earlier response. Surrounding whitespace is ignored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"max_length": 512} | kwargs))

    def to_internal_value(self, data: Any) -> str:
        return pasted_text.token(super().to_internal_value(data))


class StrictBoolean(serializers.BooleanField):
    """JSON's `true` or `false`. REST framework would accept "yes" and 1 as well."""

    default_error_messages = {"invalid": _("Must be true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class QueryBoolean(serializers.ChoiceField):
    """`true` or `false` in a query string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=["true", "false"], required=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(data) == "true"


class QueryInteger(serializers.IntegerField):
    """A number of ASCII digits in a query string. REST framework would accept "1.0", " 1 " and digits of any script."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,7}", str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)
