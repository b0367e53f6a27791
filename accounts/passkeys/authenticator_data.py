"""The layout of authenticator data (WebAuthn Level 3 §6.1), checked to its last byte."""

import uuid
from dataclasses import dataclass

from accounts.passkeys import cbor
from accounts.passkeys.models import MAX_CREDENTIAL_ID_BYTES

_FLAGS_AT, _ATTESTED_AT = 32, 37
_AAGUID_BYTES, _LENGTH_BYTES = 16, 2
BACKUP_ELIGIBLE, BACKED_UP = 0x08, 0x10
_HAS_ATTESTED, _HAS_EXTENSIONS = 0x40, 0x80


class InvalidAuthenticatorData(ValueError):
    """The bytes are not authenticator data, or others follow them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedCredential:
    aaguid: uuid.UUID
    credential_id: bytes
    public_key: bytes


def check_assertion(data: bytes) -> None:
    """Raise InvalidAuthenticatorData if the data contain a credential, or more than the flags announce."""
    flags = _read_flags(data)
    if flags & _HAS_ATTESTED:
        raise InvalidAuthenticatorData
    _check_extensions(data, _ATTESTED_AT, flags)


def parse_attested(data: bytes) -> AttestedCredential:
    """Return the new credential. Raises InvalidAuthenticatorData."""
    flags = _read_flags(data)
    if not flags & _HAS_ATTESTED:
        raise InvalidAuthenticatorData
    id_at = _ATTESTED_AT + _AAGUID_BYTES + _LENGTH_BYTES
    id_length = int.from_bytes(data[id_at - _LENGTH_BYTES : id_at])
    key_at = id_at + id_length
    if not 0 < id_length <= MAX_CREDENTIAL_ID_BYTES or len(data) <= key_at:
        raise InvalidAuthenticatorData
    key_end = cbor.get_end(data, key_at)
    _check_extensions(data, key_end, flags)
    return AttestedCredential(
        aaguid=uuid.UUID(bytes=data[_ATTESTED_AT : _ATTESTED_AT + _AAGUID_BYTES]),
        credential_id=data[id_at:key_at],
        public_key=data[key_at:key_end],
    )


def is_backup_eligible(data: bytes) -> bool:
    return bool(_read_flags(data) & BACKUP_ELIGIBLE)


def _read_flags(data: bytes) -> int:
    """Raises InvalidAuthenticatorData for a passkey that is backed up but cannot be (§6.1.3)."""
    if len(data) < _ATTESTED_AT or data[_FLAGS_AT] & (BACKUP_ELIGIBLE | BACKED_UP) == BACKED_UP:
        raise InvalidAuthenticatorData
    return data[_FLAGS_AT]


def _check_extensions(data: bytes, start: int, flags: int) -> None:
    end = cbor.get_end(data, start) if flags & _HAS_EXTENSIONS else start
    if end != len(data):
        raise InvalidAuthenticatorData
