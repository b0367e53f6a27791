"""What clients send about their second factor."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import OneTimeCode, PastedToken, RecoveryCodeText
from accounts.api.serializers.forms import Form


class ConfirmTotpForm(Form):
    code = OneTimeCode()


class VerifyMfaForm(Form):
    mfaToken = PastedToken()
    code = OneTimeCode(required=False)
    recoveryCode = RecoveryCodeText(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("recoveryCode" in attrs):
            raise serializers.ValidationError({"code": [_("Give one of code and recoveryCode.")]})
        return attrs
