"""The body that RFC 7662 and RFC 7009 share, with their names for its fields."""

from typing import Any

from rest_framework import serializers

from core.api.fields import PlainText, SecretText


class TokenForm(serializers.Serializer[dict[str, Any]]):
    token = SecretText(max_length=8192)
    token_type_hint = PlainText(
        required=False,
        max_length=64,
        help_text="`access_token` or `refresh_token`. Both are looked for, whatever it says.",
    )
    client_id = PlainText(
        required=False, max_length=64, help_text="Where the header `Authorization: Basic …` is not used."
    )
    client_secret = PlainText(required=False, max_length=256, help_text="As `client_id`.")
