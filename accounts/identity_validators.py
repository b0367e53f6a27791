"""What a new email or username may look like, whoever sets it."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.identity import delivery_form, email_key, username_key

LONGEST_EMAIL = 254
_LONGEST_LOCAL_PART = 64
_validate_email = EmailValidator(message=_("Enter a valid email address."), allowlist=[])


def validate_address(value: str) -> None:
    """What mail servers take and people have: quoted parts, address literals and encoded words are forms of attacks."""
    _validate_email(value)
    local, _at, domain = value.rpartition("@")
    # The validator ignores case, and so takes four letters outside of ASCII: U+212A (Kelvin sign), U+017F, U+0130, U+0131.
    if (
        not local.isascii()
        or '"' in local
        or local.startswith("=?")
        or len(local) > _LONGEST_LOCAL_PART
        or "[" in domain
    ):
        raise ValidationError(_validate_email.message)
    try:
        key = email_key(value)
        is_delivered_there = delivery_form(value).lower() == key
    except ValueError as error:
        raise ValidationError(_validate_email.message) from error
    if len(key) > LONGEST_EMAIL or not is_delivered_there:
        raise ValidationError(_validate_email.message)


def refuse_reserved(value: str) -> None:
    if username_key(value) in settings.RESERVED_USERNAMES:
        raise ValidationError(_("This username is reserved."))


_validate_letters = RegexValidator(re.compile(r"\A[A-Za-z0-9_-]+\Z"), _("Only letters, digits, - and _ are allowed."))


def validate_username(value: str) -> None:
    _validate_letters(value)
    refuse_reserved(value)
