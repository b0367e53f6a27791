"""Encrypts what must be read again and so cannot be hashed: with keys that can be rotated, an own one for each owner."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_KEY_BYTES = 32


class Unreadable(Exception):
    """No key that is configured opens it: it is another owner's, it was tampered with, or its key was taken away too early."""


def encrypt(text: str, *, owner: str) -> str:
    return Fernet(_key(settings.MFA_ENCRYPTION_KEYS[0], owner)).encrypt(text.encode()).decode()


def decrypt(sealed: str, *, owner: str) -> str:
    """Raises Unreadable. What was encrypted for one owner and copied into another's row opens nothing there."""
    try:
        return MultiFernet([Fernet(_key(secret, owner)) for secret in _all_keys()]).decrypt(sealed).decode()
    except InvalidToken as error:
        raise Unreadable from error


def is_current(sealed: str, *, owner: str) -> bool:
    """Whether the newest key encrypted it."""
    try:
        Fernet(_key(settings.MFA_ENCRYPTION_KEYS[0], owner)).decrypt(sealed)
    except InvalidToken:
        return False
    return True


def _all_keys() -> list[str]:
    """SECRET_KEY last: it served before a key of its own was configured."""
    return list(dict.fromkeys([*settings.MFA_ENCRYPTION_KEYS, settings.SECRET_KEY]))


def _key(secret: str, owner: str) -> bytes:
    """HKDF (RFC 5869), bound to what the key is for and whose it is."""
    kdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"vestibule.mfa-secret.{owner}".encode())
    return base64.urlsafe_b64encode(kdf.derive(secret.encode()))
