"""Encryption of secrets that must be read again, and so cannot be hashed: with keys that rotate, and one key for each owner."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_KEY_BYTES = 32


class Unreadable(Exception):
    """No configured key decrypts the text: it is another owner's, was tampered with, or its key was removed too early."""


def encrypt(text: str, *, owner: str) -> str:
    return Fernet(_derive_key(settings.MFA_ENCRYPTION_KEYS[0], owner)).encrypt(text.encode()).decode()


def decrypt(encrypted: str, *, owner: str) -> str:
    """Return the plain text, or raise Unreadable, also for text that was copied from another owner's row."""
    try:
        return (
            MultiFernet([Fernet(_derive_key(secret, owner)) for secret in _all_secrets()]).decrypt(encrypted).decode()
        )
    except InvalidToken as error:
        raise Unreadable from error


def is_current(encrypted: str, *, owner: str) -> bool:
    """Return whether the newest key encrypted the text."""
    try:
        Fernet(_derive_key(settings.MFA_ENCRYPTION_KEYS[0], owner)).decrypt(encrypted)
    except InvalidToken:
        return False
    return True


def _all_secrets() -> list[str]:
    """SECRET_KEY comes last: it encrypted before MFA_ENCRYPTION_KEYS was configured."""
    return list(dict.fromkeys([*settings.MFA_ENCRYPTION_KEYS, settings.SECRET_KEY]))


def _derive_key(secret: str, owner: str) -> bytes:
    """Derive a key by HKDF (RFC 5869), bound to its purpose and its owner."""
    kdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"vestibule.mfa-secret.{owner}".encode())
    return base64.urlsafe_b64encode(kdf.derive(secret.encode()))
