"""bcrypt over SHA-256, so that bcrypt does not truncate passwords to 72 bytes; the cost is a setting."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher

from accounts.passwords import hashing_limiter


class BCryptHasher(BCryptSHA256PasswordHasher):
    """A hash of another cost is upgraded at the next login, without revoking sessions."""

    @property
    def rounds(self) -> int:  # type: ignore[override]
        return settings.BCRYPT_ROUNDS

    def encode(self, password: str, salt: Any) -> str:
        """Encode the password within a hashing slot; verification calls this too. Raises Overloaded."""
        with hashing_limiter.hashing_slot():
            return super().encode(password, salt)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Compute many cheap hashes to take the time of one at the current cost, in one slot."""
        with hashing_limiter.hashing_slot():
            super().harden_runtime(password, encoded)
