"""The request body that completes a login with a second factor: its fields come from the registered factors."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.api.serializers.fields import PastedToken
from accounts.api.serializers.session_options import SessionOptionsForm, given_options
from accounts.registries import SECOND_FACTORS
from accounts.services.pending_logins import FactorResponse


class VerifyMfaForm(SessionOptionsForm):
    """`mfaToken`, and one field for each second factor; the validated data has exactly one of them, as `response`.

    The options of the session replace those of the login's first request."""

    mfaToken = PastedToken()

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        return fields | {factor.field: factor.field_class(required=False) for factor in SECOND_FACTORS}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        responses = [
            FactorResponse(method=factor.name, value=attrs[factor.field])
            for factor in SECOND_FACTORS
            if factor.field in attrs
        ]
        if len(responses) != 1:
            names = [factor.field for factor in SECOND_FACTORS] or ["mfaToken"]
            message = _("Send exactly one of these fields: %(fields)s.") % {"fields": ", ".join(names)}
            raise serializers.ValidationError({names[0]: [message]})
        return {"mfaToken": attrs["mfaToken"], "response": responses[0], "session_options": given_options(attrs)}
