"""One hash for everybody: a million of them would take days."""

import hashlib

from django.conf import settings
from django.contrib.auth.hashers import get_hasher

_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_LENGTH = 22


def hash_of(password: str, *, seed: int) -> str:
    """The salt is the seed's too, so that the same seed makes the same rows. Nobody's real password is hashed like this."""
    hasher = get_hasher()
    digest = hashlib.sha256(f"seed {seed}".encode()).digest()
    salt = "".join(_ALPHABET[byte % 64] for byte in digest[: _SALT_LENGTH - 1]) + "."
    return hasher.encode(password, f"$2b${settings.BCRYPT_ROUNDS:02d}${salt}".encode())  # type: ignore[arg-type]  # bcrypt takes its salt in bytes
