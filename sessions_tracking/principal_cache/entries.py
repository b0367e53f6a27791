"""The format of the cache entries in Redis: one key per session, with its principal or a marker as the value."""

import functools
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from core.ids import parse_id
from sessions_tracking.authentication_context import AssuranceLevel, AuthenticationContext
from sessions_tracking.principal import Principal

# Also the longest time for which a process may trust an entry that was read before a revocation it could not see.
ACTIVE_ENTRY_SECONDS = 30
REVOKED = b'{"revoked": true}'
# Sends each reader to the database: written where a change of role could not be cached when it was made.
STALE = b'{"stale": true}'
_LEVELS = frozenset(AssuranceLevel)
_TEXTS = ("user", "username", "role", "amr", "acr")


def cache_key(session_id: uuid.UUID) -> str:
    return f"vestibule:session:{session_id}"


def encode(principal: Principal) -> bytes:
    context = principal.context
    entry = {
        "user": str(principal.id),
        "username": principal.username,
        "role": principal.role,
        "amr": " ".join(context.amr),
        "acr": context.acr,
        "auth_time": context.auth_time,
    }
    return json.dumps(entry).encode()


@functools.lru_cache(maxsize=2048)
def decode(value: bytes, session_id: uuid.UUID) -> Principal | None:
    """Return the principal, or None for a marker and for anything that this code did not write.

    Cached, because one session's entry is decoded for each of its requests.
    """
    try:
        entry = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _TEXTS):
        return None
    user_id, context = parse_id(entry["user"]), _context(entry)
    if user_id is None or context is None:
        return None
    return Principal(user_id, entry["username"], entry["role"], session_id, context)


def _context(entry: dict[str, Any]) -> AuthenticationContext | None:
    """Return None for an entry without a valid time and level. Entries of the former version have neither."""
    auth_time = entry.get("auth_time")
    if entry["acr"] not in _LEVELS or not isinstance(auth_time, int):
        return None
    try:
        authenticated_at = datetime.fromtimestamp(auth_time, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return AuthenticationContext.from_columns(entry["amr"], entry["acr"], authenticated_at)
