"""Signs ids and texts and computes keyed hashes with SECRET_KEY, by Django's own signing. Every purpose has its own key."""

import uuid

from django.core.signing import BadSignature, Signer
from django.utils.crypto import salted_hmac


def sign_id(purpose: str, row_id: uuid.UUID) -> str:
    """Return a URL-safe token of the id and its signature. No other purpose accepts it."""
    return sign(purpose, row_id.hex)


def unsign_id(purpose: str, token: str) -> uuid.UUID | None:
    """Return the id if `sign_id` made this token for this purpose, else None."""
    text = unsign(purpose, token)
    return uuid.UUID(text) if text is not None else None


def sign(purpose: str, text: str) -> str:
    """Return a token of the text, which stays readable, and its signature. No other purpose accepts it."""
    return _signer(purpose).sign(text)


def unsign(purpose: str, token: str) -> str | None:
    """Return the text if `sign` made this token for this purpose, else None."""
    try:
        return _signer(purpose).unsign(token)
    except (BadSignature, UnicodeEncodeError):  # the latter for lone surrogates, which JSON can contain
        return None


def _signer(purpose: str) -> Signer:
    return Signer(sep=".", salt=_salt(purpose), algorithm="sha256")


def hmac_digest(purpose: str, *parts: str) -> bytes:
    """Return the HMAC-SHA-256 of the parts, each prefixed by its length, so that ("ab", "c") and ("a", "bc") differ."""
    message = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return salted_hmac(_salt(purpose), message, algorithm="sha256").digest()


def hmac_hexdigest(purpose: str, *parts: str) -> str:
    return hmac_digest(purpose, *parts).hex()


def _salt(purpose: str) -> str:
    return f"vestibule.{purpose}"
