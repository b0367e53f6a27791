"""The request body of an update, and the response shapes for the documentation."""

from rest_framework import serializers

from core.api.fields import DataObject, PlainText
from sessions_tracking.authentication_context import AMR_VALUES, AssuranceLevel


class SessionPatch(serializers.Serializer[dict[str, object]]):
    name = PlainText(max_length=100, required=False, allow_blank=True)
    data = DataObject(required=False)  # type: ignore[assignment]


class SessionShape(serializers.Serializer[dict[str, object]]):
    """The fields of a session, for the response and its documentation; `current` is computed."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    device = serializers.ChoiceField(choices=["Desktop", "Mobile", "Tablet", "Bot", "Other"])
    browser = serializers.CharField()
    os = serializers.CharField()
    platform = serializers.CharField()
    location = serializers.CharField(help_text="From the GeoIP database of `GEOIP_PATH`, else `Unknown`.")
    ip = serializers.CharField(allow_null=True)
    userAgent = serializers.CharField(source="user_agent", allow_blank=True)
    data = serializers.DictField(help_text="Any JSON object that the client stores with its session.")  # type: ignore[assignment]
    current = serializers.BooleanField(help_text="Whether this is the session of the request.")
    acr = serializers.ChoiceField(
        choices=[level.value for level in AssuranceLevel],
        help_text="`aal2` after a passkey with user verification, or a first and a second factor.",
    )
    amr = serializers.ListField(
        source="amr_values",
        child=serializers.ChoiceField(choices=AMR_VALUES),
        help_text="What the user proved (RFC 8176); `email`, `fed` and `recovery` are values of this service.",
    )
    authenticatedAt = serializers.DateTimeField(
        source="authenticated_at", help_text="The sign-in, or a later confirmation. A refresh never changes it."
    )
    createdAt = serializers.DateTimeField(source="created_at")
    updatedAt = serializers.DateTimeField(source="updated_at")
    lastSeenAt = serializers.DateTimeField(source="last_seen_at", help_text="Written at most once a minute.")
    expiresAt = serializers.DateTimeField(
        source="expires_at", help_text="Extended by each refresh, up to the session's maximum age."
    )


class SessionData(serializers.Serializer[dict[str, object]]):
    session = SessionShape()


class SessionList(serializers.Serializer[dict[str, object]]):
    sessions = SessionShape(many=True)
