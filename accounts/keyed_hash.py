"""Keyed hashes with the server's own key, a purpose for each: what is stored of a secret, or stands for one."""

import hmac

from django.conf import settings


def digest(purpose: str, *parts: str) -> bytes:
    """HMAC-SHA-256 under a key of its own for each purpose; the parts are length-prefixed, so they cannot run together."""
    key = hmac.digest(settings.SECRET_KEY.encode(), f"vestibule.{purpose}".encode(), "sha256")
    message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return hmac.digest(key, message, "sha256")


def hexdigest(purpose: str, *parts: str) -> str:
    return digest(purpose, *parts).hex()
