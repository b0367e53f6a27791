"""What clients send about their second factor."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.forms import Form
from config.api.fields import PlainText, SecretText


class AppCode(PlainText):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, help_text="Six digits, of the authenticator app.", **kwargs)


class ConfirmTotpForm(Form):
    code = AppCode()


class VerifyMfaForm(Form):
    mfaToken = SecretText(max_length=512)
    code = AppCode(required=False)
    recoveryCode = PlainText(
        required=False, max_length=64, help_text="Instead of `code`. Case, blanks and hyphens do not matter."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("recoveryCode" in attrs):
            raise serializers.ValidationError({"code": [_("Give one of code and recoveryCode.")]})
        return attrs
