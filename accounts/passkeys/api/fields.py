"""The field of requests that carries a credential."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class CredentialField(serializers.JSONField):
    """What `PublicKeyCredential.toJSON()` returns. Its content is verified by `accounts.passkeys.ceremonies`, not here."""

    default_error_messages = {"invalid": _("Must be a JSON object.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"help_text": "The passkey's response, as `credential.toJSON()` returns it."} | kwargs))

    def to_internal_value(self, data: Any) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data
