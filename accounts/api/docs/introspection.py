"""Documentation of `accounts.api.views.introspection`."""

from typing import Any

from rest_framework import serializers

from accounts.api.docs import samples
from accounts.api.serializers.introspection import TokenForm
from accounts.exceptions import InvalidClient
from accounts.models.user import Role
from core.api.exceptions import RateLimited
from core.openapi.operation import CLIENT, NO_SECURITY, Operation
from sessions_tracking.api.docs import SESSION
from sessions_tracking.authentication_context import AMR_VALUES, AssuranceLevel

TAG = "For other services"
_BY_HEADER = {"token": samples.ACCESS_TOKEN}
_CREDENTIALS = {
    "client_id": "01981c5e-7a10-7d3e-8c55-1b9e4f60a2c7",
    "client_secret": "h8Jm2Vq0cXyLr5TgWn7zKd3sPf9uBa4eRiOo6MwQx1Y",
}
_REQUESTS = {
    "With the client in the header": _BY_HEADER,
    "With the client in the body": _BY_HEADER | _CREDENTIALS | {"token_type_hint": "access_token"},
}


class Introspected(serializers.Serializer[dict[str, Any]]):
    """Every field except `active` is present only for an active token."""

    active = serializers.BooleanField()
    token_use = serializers.ChoiceField(choices=["access_token", "refresh_token"], required=False)
    token_type = serializers.ChoiceField(choices=["Bearer"], required=False, help_text="Only for access tokens.")
    sub = serializers.UUIDField(required=False, help_text="The user's id.")
    username = serializers.CharField(required=False)
    role = serializers.ChoiceField(choices=Role.choices, required=False, help_text="The current role.")
    acr = serializers.ChoiceField(
        choices=[level.value for level in AssuranceLevel], required=False, help_text="The session's current level."
    )
    amr = serializers.ListField(child=serializers.ChoiceField(choices=AMR_VALUES), required=False)
    auth_time = serializers.IntegerField(
        required=False, help_text="When the user last authenticated. A refresh never changes it."
    )
    sid = serializers.UUIDField(required=False, help_text="The session's id.")
    jti = serializers.UUIDField(required=False, help_text="The token's own id.")
    iat = serializers.IntegerField(required=False)
    exp = serializers.IntegerField(required=False)
    iss = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)


INTROSPECT = Operation(
    tag=TAG,
    summary="Introspect a token",
    security=(CLIENT, NO_SECURITY),
    request=TokenForm,
    requests=_REQUESTS,
    data=Introspected,
    responses={
        "An active access token": {
            "active": True,
            "token_use": "access_token",
            "token_type": "Bearer",
            "sub": samples.USER["id"],
            "username": samples.USERNAME,
            "role": "USER",
            "acr": "aal1",
            "amr": ["pwd"],
            "auth_time": 1768469700,
            "sid": SESSION["id"],
            "jti": "5e2f6c1a-90b4-4f0e-8a55-3b1d7c9e2f48",
            "iat": 1768469700,
            "exp": 1768470600,
            "iss": "vestibule",
            "aud": "vestibule",
        },
        "Any other token": {"active": False},
    },
    errors=[InvalidClient, RateLimited(retry_after=60)],
    is_oauth=True,
    is_bare=True,
)

REVOKE = Operation(
    tag=TAG,
    summary="Revoke the session of a token",
    security=(CLIENT, NO_SECURITY),
    request=TokenForm,
    requests=_REQUESTS,
    errors=[InvalidClient, RateLimited(retry_after=60)],
    is_oauth=True,
)
