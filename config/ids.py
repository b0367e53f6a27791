"""Ids: UUIDs of version 7, which grow with time and so keep indexes dense (RFC 9562 §5.7)."""

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    return uuid7()


def parse_id(text: object) -> uuid.UUID | None:
    """The UUID that a client spelled in its usual 36 characters, else None."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
