"""Opaque tokens that carry an id and its proof: nobody without the server's key makes one, and no purpose reads another's."""

import base64
import binascii
import hmac
import uuid

from accounts.keyed_hash import hmac_digest

_ID_BYTES = 16
_MAC_BYTES = 32


def seal(purpose: str, row_id: uuid.UUID) -> str:
    """URL-safe text: the id and its HMAC under the key of the purpose."""
    return base64.urlsafe_b64encode(row_id.bytes + hmac_digest(purpose, str(row_id))).decode().rstrip("=")


def unseal(purpose: str, token: str) -> uuid.UUID | None:
    """The id, if the token is just what `seal` made: no other spelling of the same bytes passes."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _ID_BYTES + _MAC_BYTES:
        return None
    row_id = uuid.UUID(bytes=raw[:_ID_BYTES])
    return row_id if hmac.compare_digest(seal(purpose, row_id).encode(), token.encode()) else None
