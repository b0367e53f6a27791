"""The options that a page passes to `navigator.credentials` (WebAuthn Level 3 §5.4 and §5.5, as JSON)."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Any, Literal

from django.conf import settings

from accounts.models import User
from accounts.passkeys import challenges, public_keys
from accounts.passkeys.challenges import Challenge
from accounts.passkeys.models import Passkey

Options = dict[str, Any]
UserVerification = Literal["required", "preferred", "discouraged"]
_TIMEOUT_MS = int(challenges.LIFETIME.total_seconds() * 1000)


def creation_options(
    challenge: Challenge, *, handle: bytes, name: str, display_name: str, exclude: Iterable[Passkey] = ()
) -> Options:
    """Return the options that make a passkey. An authenticator that has one of `exclude` makes no second one."""
    return {
        "rp": {"id": settings.WEBAUTHN_RP_ID, "name": settings.WEBAUTHN_RP_NAME},
        "user": {"id": encode(handle), "name": name, "displayName": display_name},
        "challenge": encode(challenge.bytes),
        "pubKeyCredParams": [{"type": "public-key", "alg": int(alg)} for alg in public_keys.ALGORITHMS],
        "timeout": _TIMEOUT_MS,
        "excludeCredentials": [_descriptor(passkey) for passkey in exclude],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "extensions": {"credProps": True},
    }


def request_options(
    challenge: Challenge, *, user_verification: UserVerification, allow: Iterable[Passkey] = ()
) -> Options:
    """Return the options that use a passkey: one of `allow`, or any of this relying party."""
    return {
        "challenge": encode(challenge.bytes),
        "timeout": _TIMEOUT_MS,
        "rpId": settings.WEBAUTHN_RP_ID,
        "allowCredentials": [_descriptor(passkey) for passkey in allow],
        "userVerification": user_verification,
    }


def account_name(user: User) -> str:
    """Return the name by which people tell their accounts apart in the list of an authenticator."""
    return user.email or user.username


def display_name(user: User) -> str:
    return f"{user.first_name} {user.last_name}".strip() or user.username


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _descriptor(passkey: Passkey) -> Options:
    """A descriptor without transports names all of them."""
    transports = {"transports": passkey.transports} if passkey.transports else {}
    return {"type": "public-key", "id": encode(bytes(passkey.credential_id))} | transports
