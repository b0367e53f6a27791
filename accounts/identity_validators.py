"""Validators of a new email or username, for the API, the admin and the commands."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.identity import delivery_form, email_key, username_key

MAX_EMAIL_LENGTH = 254
_MAX_LOCAL_PART_LENGTH = 64
_validate_email = EmailValidator(message=_("Enter a valid email address."), allowlist=[])


def validate_email(value: str) -> None:
    """Reject what mail servers may accept but only attackers use: quoted parts, address literals, encoded words."""
    _validate_email(value)
    local, _at, domain = value.rpartition("@")
    # Django's validator ignores case and thereby accepts four non-ASCII letters: U+212A (Kelvin sign), U+017F, U+0130, U+0131.
    if (
        not local.isascii()
        or '"' in local
        or local.startswith("=?")
        or len(local) > _MAX_LOCAL_PART_LENGTH
        or "[" in domain
    ):
        raise ValidationError(_validate_email.message)
    try:
        key = email_key(value)
        is_deliverable = delivery_form(value).lower() == key
    except ValueError as error:
        raise ValidationError(_validate_email.message) from error
    if len(key) > MAX_EMAIL_LENGTH or not is_deliverable:
        raise ValidationError(_validate_email.message)


def reject_reserved_username(value: str) -> None:
    if username_key(value) in settings.RESERVED_USERNAMES:
        raise ValidationError(_("This username is reserved."))


_validate_letters = RegexValidator(re.compile(r"\A[A-Za-z0-9_-]+\Z"), _("Only letters, digits, - and _ are allowed."))


def validate_username(value: str) -> None:
    _validate_letters(value)
    reject_reserved_username(value)
