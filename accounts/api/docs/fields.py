"""The schemas of fields that are validated by code."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from accounts.identity_validators import MAX_EMAIL_LENGTH
from accounts.passwords.validators import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, CompositionValidator


class NewPasswordSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # the library is untyped
    target_class = "accounts.api.serializers.fields.NewPassword"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {
            "type": "string",
            "format": "password",
            "minLength": MIN_PASSWORD_LENGTH,
            "maxLength": MAX_PASSWORD_LENGTH,
            "description": CompositionValidator().get_help_text(),
        }


class NewEmailSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # the library is untyped
    target_class = "accounts.api.serializers.fields.NewEmail"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": MAX_EMAIL_LENGTH}
