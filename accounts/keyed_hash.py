"""HMAC with the server's key and a purpose, for what is stored of a secret or derived from an id."""

import hmac

from django.conf import settings


def hmac_digest(purpose: str, *parts: str) -> bytes:
    """Return an HMAC-SHA-256 under a separate key for each purpose. Length prefixes keep the parts from running together."""
    key = hmac.digest(settings.SECRET_KEY.encode(), f"vestibule.{purpose}".encode(), "sha256")
    message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return hmac.digest(key, message, "sha256")


def hmac_hexdigest(purpose: str, *parts: str) -> str:
    return hmac_digest(purpose, *parts).hex()
