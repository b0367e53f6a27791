"""The request body of RFC 7662 and RFC 7009."""

from typing import Any

from rest_framework import serializers

from core.api.fields import PlainText, SecretText


class TokenForm(serializers.Serializer[dict[str, Any]]):
    token = SecretText(max_length=8192)
    token_type_hint = PlainText(
        required=False,
        max_length=64,
        help_text="`access_token` or `refresh_token`. A hint only: both are tried.",
    )
    client_id = PlainText(
        required=False, max_length=64, help_text="Required without the header `Authorization: Basic …`."
    )
    client_secret = PlainText(required=False, max_length=256, help_text="As `client_id`.")
