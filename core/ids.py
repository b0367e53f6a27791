"""Ids: UUIDs of version 7, which grow with time and so keep indexes dense (RFC 9562 §5.7)."""

import uuid

import uuid_utils
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    return uuid7()


def new_name() -> str:
    """An id of 32 hexadecimal digits, where nobody needs it as a UUID."""
    return uuid_utils.uuid7().hex


def parse_id(text: object) -> uuid.UUID | None:
    """The UUID that a client spelled in its usual 36 characters, else None."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
