"""The request body of a step-up: its fields come from the registered methods and factors."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.api.serializers.forms import Form
from accounts.registries import REAUTHENTICATION_METHODS, SECOND_FACTORS
from accounts.services.pending_logins import FactorResponse


class ReauthenticateForm(Form):
    """One field for each method; the validated data has exactly one of them, as `response`."""

    def get_fields(self) -> dict[str, Any]:
        methods = (*REAUTHENTICATION_METHODS, *SECOND_FACTORS)
        return {method.field: method.field_class(required=False) for method in methods}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        responses = [
            FactorResponse(method=method.name, value=attrs[method.field])
            for method in (*REAUTHENTICATION_METHODS, *SECOND_FACTORS)
            if method.field in attrs
        ]
        if len(responses) != 1:
            names = list(self.fields)
            message = _("Send exactly one of these fields: %(fields)s.") % {"fields": ", ".join(names)}
            raise serializers.ValidationError({names[0]: [message]})
        return {"response": responses[0]}
