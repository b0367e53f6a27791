"""Passkeys in responses."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.passkeys import providers, relying_party
from accounts.passkeys.flows.management import PasskeyList
from accounts.passkeys.models import Passkey
from core.api.shapes import Shape, presenter


class PasskeyShape(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    createdAt = serializers.DateTimeField(source="created_at")
    lastUsedAt = serializers.DateTimeField(
        source="last_used_at", allow_null=True, help_text="Null before the first use."
    )
    backedUp = serializers.BooleanField(
        source="backed_up", help_text="Whether a copy of it exists, as of its last use."
    )
    transports = serializers.ListField(
        child=serializers.CharField(), help_text="How browsers reach it: `internal`, `usb` …"
    )
    provider = serializers.CharField(
        allow_null=True, help_text="The password manager or device that made it, where known. It is not proven."
    )


class Signal(Shape):
    """The arguments of `PublicKeyCredential.signalAllAcceptedCredentials()` and `signalCurrentUserDetails()`."""

    rpId = serializers.CharField()
    userId = serializers.CharField()
    allAcceptedCredentialIds = serializers.ListField(child=serializers.CharField())
    name = serializers.CharField()
    displayName = serializers.CharField()


_passkey_data = presenter(PasskeyShape, computed={"provider"})


def passkey_data(passkey: Passkey) -> dict[str, Any]:
    return _passkey_data(passkey) | {"provider": providers.get_name(passkey.aaguid)}


def list_data(listed: PasskeyList) -> dict[str, Any]:
    passkeys = listed.passkeys
    return {"passkeys": [passkey_data(passkey) for passkey in passkeys], "signal": _signal_data(listed)}


def _signal_data(listed: PasskeyList) -> dict[str, Any]:
    return {
        "rpId": settings.WEBAUTHN_RP_ID,
        "userId": relying_party.encode(listed.handle),
        "allAcceptedCredentialIds": [relying_party.encode(bytes(each.credential_id)) for each in listed.passkeys],
        "name": relying_party.account_name(listed.user),
        "displayName": relying_party.display_name(listed.user),
    }
