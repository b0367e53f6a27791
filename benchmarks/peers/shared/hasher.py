"""bcrypt at the cost of the run, with the same SHA-256 before it as in the product."""

from django.conf import settings
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class BCryptHasher(BCryptSHA256PasswordHasher):
    rounds = settings.BCRYPT_ROUNDS
