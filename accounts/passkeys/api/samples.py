"""The samples of passkeys in the documentation."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accounts.passkeys.api.presenters import passkey_data
from accounts.passkeys.models import Passkey

CREDENTIAL_ID = "mWdBq0k3Yx7tR2fVn8sJcQ"
USER_HANDLE = "Z9kM2xTq7vB4nWcR8jHfLs3dYpE6uAg1oXiCyQmZtVbNwKaSrJhFlDePzGxUoIvTqMnBcWkRjHyLsXdApEuOgQ"
_CHALLENGE = "AZxPc2sAe6aQhJ1c0Y5mQwAAAABpKa3Q0q9yT8vHkR3sZb1nXe7mWc5fUa2jLg6oKi4pVd8"
_AUTHENTICATOR_DATA = "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MdAAAAAA"
_CLIENT_DATA = "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiLi4uIiwib3JpZ2luIjoiaHR0cHM6Ly9leGFtcGxlLmNvbSJ9"
PASSKEY = passkey_data(
    Passkey(
        id=UUID("019ad3d1-787c-7121-9d56-ad721fbb899b"),
        name="Apple Passwords",
        aaguid=UUID("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"),
        transports=["internal", "hybrid"],
        backup_eligible=True,
        backed_up=True,
        created_at=datetime(2026, 1, 15, 9, 35, tzinfo=UTC),
        last_used_at=datetime(2026, 1, 20, 18, 2, tzinfo=UTC),
    )
)
_DESCRIPTOR = {"type": "public-key", "id": CREDENTIAL_ID, "transports": ["internal", "hybrid"]}
_TIMEOUT = 300_000


def _credential(response: dict[str, Any], extensions: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": CREDENTIAL_ID,
        "rawId": CREDENTIAL_ID,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": extensions,
        "response": response,
    }


ASSERTION = _credential(
    {
        "clientDataJSON": _CLIENT_DATA,
        "authenticatorData": _AUTHENTICATOR_DATA,
        "signature": "MEUCIQDf3kLz5qX1mWcT8vJbR2nYpE7uAg0oXiCyQmZtVbNwKQIgSrJhFlDePzGxUoIvTqMnBcWkRjHyLsXdApEuOgQ",
        "userHandle": USER_HANDLE,
    },
    {},
)
NEW_CREDENTIAL = _credential(
    {
        "clientDataJSON": _CLIENT_DATA,
        "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikSZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2NdAAAAAA",
        "transports": ["internal", "hybrid"],
    },
    {"credProps": {"rk": True}},
)


def request_options(*, user_verification: str, is_discoverable: bool = False) -> dict[str, Any]:
    options = {
        "challenge": _CHALLENGE,
        "timeout": _TIMEOUT,
        "rpId": "example.com",
        "allowCredentials": [] if is_discoverable else [_DESCRIPTOR],
        "userVerification": user_verification,
    }
    return {"publicKey": options}


def creation_options(*, has_passkeys: bool) -> dict[str, Any]:
    options = {
        "rp": {"id": "example.com", "name": "Vestibule"},
        "user": {"id": USER_HANDLE, "name": "alice@example.com", "displayName": "alice"},
        "challenge": _CHALLENGE,
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-7, -8, -257)],
        "timeout": _TIMEOUT,
        "excludeCredentials": [_DESCRIPTOR] if has_passkeys else [],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "extensions": {"credProps": True},
    }
    return {"publicKey": options}
