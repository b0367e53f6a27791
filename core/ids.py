"""Ids: UUIDs of version 7, which increase with time and so keep indexes dense (RFC 9562 §5.7)."""

import uuid

import uuid_utils
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    return uuid7()


def new_request_id() -> str:
    """Return an id of 32 hexadecimal digits."""
    return uuid_utils.uuid7().hex


def parse_id(text: object) -> uuid.UUID | None:
    """Return the UUID of a text in the usual form of 36 characters, else None."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
