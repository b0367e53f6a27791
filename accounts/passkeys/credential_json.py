"""Credentials as browsers send them (WebAuthn Level 3 §5.1, `toJSON()`), before anything in them is verified."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.passkeys.models import MAX_CREDENTIAL_ID_BYTES

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_MAX_TRANSPORTS, _TRANSPORT = 10, re.compile(r"[a-z0-9-]{1,32}")


class MalformedCredential(ValueError):
    """The JSON is not that of a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCredential:
    """`response` is the response part of the credential, `challenge` what the authenticator claims to have signed."""

    credential_id: bytes
    challenge: bytes
    response: Mapping[str, Any]
    json: dict[str, Any]


def parse(credential: object) -> PresentedCredential:
    """Return the parts by which the passkey and the challenge are looked up. Raises MalformedCredential.

    A credential from a frame of another site is malformed: no page of ours is embedded (§7.1 step 10, §7.2 step 13).
    """
    fields = _mapping(credential)
    response = _mapping(fields.get("response"))
    credential_id = decode(fields.get("rawId"))
    if fields.get("id") != fields["rawId"] or not 0 < len(credential_id) <= MAX_CREDENTIAL_ID_BYTES:
        raise MalformedCredential
    client_data = _parse_client_data(decode(response.get("clientDataJSON")))
    if client_data.get("crossOrigin", False) is not False or client_data.get("topOrigin") is not None:
        raise MalformedCredential
    return PresentedCredential(
        credential_id=credential_id,
        challenge=decode(client_data.get("challenge")),
        response=response,
        json=dict(fields),
    )


def from_text(text: str) -> dict[str, Any] | None:
    """Return the credential that a script wrote into a form's field, or None for text that cannot be one."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def decode(text: object) -> bytes:
    """Decode base64url without padding, of which each value has one spelling. Raises MalformedCredential."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise MalformedCredential
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def user_handle(credential: PresentedCredential) -> bytes | None:
    """Return the user handle of an assertion. Security keys may omit it if the options named the passkeys."""
    handle = credential.response.get("userHandle")
    return None if handle is None else decode(handle)


def transports(credential: PresentedCredential) -> list[str]:
    """Return the transports that the browser reported, those that this version does not know included (§5.8.4)."""
    values = credential.response.get("transports")
    names = [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
    return [name for name in dict.fromkeys(names) if _TRANSPORT.fullmatch(name)][:_MAX_TRANSPORTS]


def is_discoverable(credential: PresentedCredential) -> bool:
    """Return False if the browser says that the passkey cannot be found without its id (§10.1.3, `credProps`)."""
    results = credential.json.get("clientExtensionResults")
    properties = results.get("credProps") if isinstance(results, Mapping) else None
    return not isinstance(properties, Mapping) or properties.get("rk") is not False


def _parse_client_data(data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(data.decode()))
    except (ValueError, RecursionError):
        raise MalformedCredential from None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedCredential
    return value
