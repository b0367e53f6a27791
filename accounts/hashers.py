"""bcrypt over SHA-256, so that no password is cut at bcrypt's 72 bytes; the cost is a setting."""

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class BCryptHasher(BCryptSHA256PasswordHasher):
    """A hash of another cost is renewed at the next login, which ends no session."""

    @property
    def rounds(self) -> int:  # type: ignore[override]
        return settings.BCRYPT_ROUNDS
