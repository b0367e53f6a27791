"""Request bodies of the sign-in by email."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import OneTimeCode, PastedToken
from accounts.api.serializers.session_options import SessionOptionsForm


class LoginByCodeForm(SessionOptionsForm):
    loginToken = PastedToken(
        required=False, allow_null=True, allow_blank=True, help_text="Defaults to the cookie `loginToken`."
    )
    code = OneTimeCode(required=False)
    token = PastedToken(required=False, help_text="The token of the link.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("token" in attrs):
            raise serializers.ValidationError({"code": [_("Provide exactly one of code and token.")]})
        return attrs
