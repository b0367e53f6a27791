"""The fields of an account."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.identity_rules import LONGEST_EMAIL, validate_address, validate_username
from accounts.password_rules import LONGEST, CompositionValidator
from config.api.fields import PlainText, SecretText


class NewEmail(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_EMAIL, validators=[validate_address], **kwargs)


class SignUpEmail(NewEmail):
    """May be left out where EMAIL_VERIFICATION is `none`."""

    @property
    def required(self) -> bool:
        return settings.EMAIL_VERIFICATION != "none"

    @required.setter
    def required(self, value: bool) -> None:
        """REST framework sets it at its start."""


class Username(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=30, validators=[validate_username], **kwargs)


class PersonName(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=150, required=False, **kwargs)


class Language(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=settings.LANGUAGES, required=False, **kwargs)


class NewPassword(SecretText):
    """Length and kinds of characters; what depends on the user is for the service."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, validators=[CompositionValidator().validate], **kwargs)


class Password(SecretText):
    """A password that exists: too long a one is refused before it costs a hash."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST, **kwargs)


class AnyAddress(PlainText):
    """Whatever somebody takes for their address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=320, **kwargs)
