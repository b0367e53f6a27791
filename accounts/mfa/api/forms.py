"""Request bodies of two-factor authentication."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import OneTimeCode, PastedToken
from accounts.api.serializers.forms import Form
from accounts.mfa.flows import recovery_codes
from core.api.fields import Text


class RecoveryCodeField(Text):
    """A recovery code, as users paste it. Text that cannot be one is invalid, and so never counts as an attempt."""

    default_error_messages = {"not_a_code": _("Enter the ten letters and digits of a recovery code.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, help_text="Case, blanks and dashes are ignored.", **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        code = recovery_codes.normalize(super().run_validation(data))
        if code is None:
            self.fail("not_a_code")
        return code


class ConfirmTotpForm(Form):
    code = OneTimeCode()


class BeginRecoveryForm(Form):
    mfaToken = PastedToken()


class CompleteRecoveryForm(Form):
    token = PastedToken()


class CancelRecoveryForm(Form):
    token = PastedToken(
        required=False, help_text="From the link in the email. Without it, the caller must be signed in."
    )
