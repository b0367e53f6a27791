"""The fields of an account."""

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.identity import email_key, username_key
from accounts.password_rules import LONGEST, CompositionValidator
from config.api.fields import PlainText, SecretText

LONGEST_EMAIL = 254
_LONGEST_LOCAL_PART = 64
_validate_email = EmailValidator(message=_("Enter a valid email address."), allowlist=[])


def validate_address(value: str) -> None:
    """What mail servers take and people have: quoted parts, address literals and encoded words are forms of attacks."""
    _validate_email(value)
    local, _at, domain = value.rpartition("@")
    if '"' in local or local.startswith("=?") or len(local) > _LONGEST_LOCAL_PART or "[" in domain:
        raise ValidationError(_validate_email.message)
    try:
        key = email_key(value)
    except ValueError as error:
        raise ValidationError(_validate_email.message) from error
    if len(key) > LONGEST_EMAIL:
        raise ValidationError(_validate_email.message)


def refuse_reserved(value: str) -> None:
    if username_key(value) in settings.RESERVED_USERNAMES:
        raise ValidationError(_("This username is reserved."))


class NewEmail(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_EMAIL, validators=[validate_address], **kwargs)


class Username(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        letters = RegexValidator(re.compile(r"\A[A-Za-z0-9_-]+\Z"), _("Only letters, digits, - and _ are allowed."))
        super().__init__(min_length=3, max_length=30, validators=[letters, refuse_reserved], **kwargs)


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
