"""The query of `forward-auth`."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers.forms import Form
from sessions_tracking.authentication_context import AssuranceLevel


class Seconds(serializers.IntegerField):
    """Digits only. REST framework's field takes `5.0`, `+5`, `1_000` and blanks, too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=2**31 - 1, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not (data.isascii() and data.isdigit()):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class RequirementQuery(Form):
    acr = serializers.ChoiceField(
        choices=[level.value for level in AssuranceLevel],
        required=False,
        help_text="The lowest level that passes. Every session meets `aal1`.",
    )
    max_age = Seconds(required=False, help_text="How long ago the user may have authenticated, in seconds.")
