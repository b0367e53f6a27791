"""Rules for new passwords in addition to Django's, and the end of sessions when a password changes by any path."""

import uuid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.mail import outbox
from accounts.models import AuditKind
from accounts.passwords.hashing import MAX_LENGTH, normalize
from core.http.request_context import current_request
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 8, MAX_LENGTH
_KINDS = (
    (str.isupper, "password_no_upper", _("The password needs an upper-case letter.")),
    (str.islower, "password_no_lower", _("The password needs a lower-case letter.")),
    (str.isdigit, "password_no_digit", _("The password needs a digit.")),
)


class PasswordLengthValidator(MaxLengthValidator):
    """Counts the characters of the normalized form, so that the limit is the same for every keyboard."""

    def clean(self, x: Any) -> int:
        return len(normalize(x))


class CompositionValidator:
    """Minimum length, and three kinds of characters unless PASSWORD_COMPOSITION is off (as ASVS 6.2.5 recommends)."""

    def validate(self, password: str, user: Any = None) -> None:
        password = normalize(password)
        faults = [
            ValidationError(message, code=code)
            for is_of_kind, code, message in (_KINDS if settings.PASSWORD_COMPOSITION else ())
            if not any(map(is_of_kind, password))
        ]
        if len(password) < MIN_PASSWORD_LENGTH:
            faults.insert(
                0,
                ValidationError(
                    _("The password must have at least %(count)d characters.") % {"count": MIN_PASSWORD_LENGTH}
                ),
            )
        if faults:
            raise ValidationError(faults)

    def get_help_text(self) -> str:
        if not settings.PASSWORD_COMPOSITION:
            return ngettext("At least %(count)d character.", "At least %(count)d characters.", MIN_PASSWORD_LENGTH) % {
                "count": MIN_PASSWORD_LENGTH
            }
        return ngettext(
            "At least %(count)d character, with an upper-case letter, a lower-case letter and a digit.",
            "At least %(count)d characters, with an upper-case letter, a lower-case letter and a digit.",
            MIN_PASSWORD_LENGTH,
        ) % {"count": MIN_PASSWORD_LENGTH}


class ContextWordsValidator:
    """Rejects a word from PASSWORD_CONTEXT_WORDS with few other characters around it (ASVS 6.2.11)."""

    def validate(self, password: str, user: Any = None) -> None:
        folded = normalize(password).casefold()
        for word in settings.PASSWORD_CONTEXT_WORDS:
            if word.casefold() in folded and len(folded.replace(word.casefold(), "")) < MIN_PASSWORD_LENGTH:
                raise ValidationError(
                    _("This password is too easy to guess."),
                    code="password_context_word",
                )

    def get_help_text(self) -> str:
        return str(_("Must not be just the product name."))


class EndSessionsOnChange:
    """Revokes sessions: Django calls `password_changed` when a user is saved after `set_password`.

    Thus the admin, commands and shells revoke the sessions and cancel unsent resets, as the API does. Django does not call it
    for a hash that a login upgrades, which is no change of the password.
    """

    def validate(self, password: str, user: Any = None) -> None:
        return None

    def get_help_text(self) -> str:
        return ""

    def password_changed(self, password: str, user: Any = None) -> None:
        if user is None or not isinstance(user.pk, uuid.UUID) or user.is_just_created:
            return
        with transaction.atomic():
            ended = sessions.revoke_all(user_id=user.pk, reason=RevokedReason.PASSWORD_CHANGED)
            outbox.cancel_resets(user)
            if current_request() is None:  # for a request, the caller records the event with its actor
                audit.record(AuditKind.PASSWORD_CHANGED, user_id=user.pk, facts={"sessionsEnded": ended})
