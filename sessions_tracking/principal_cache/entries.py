"""The format of the cache entries in Redis: one key per session, with its principal or a marker as the value."""

import functools
import json
import uuid

from core.ids import parse_id
from sessions_tracking.principal import Principal

# Also the longest time for which a process may trust an entry that was read before a revocation it could not see.
ACTIVE_ENTRY_SECONDS = 30
REVOKED = b'{"revoked": true}'
# Sends each reader to the database: written where a change of role could not be cached when it was made.
STALE = b'{"stale": true}'


def cache_key(session_id: uuid.UUID) -> str:
    return f"vestibule:session:{session_id}"


def encode(principal: Principal) -> bytes:
    entry = {"user": str(principal.id), "username": principal.username, "role": principal.role}
    return json.dumps(entry | {"second_factor": principal.second_factor}).encode()


@functools.lru_cache(maxsize=2048)
def decode(value: bytes, session_id: uuid.UUID) -> Principal | None:
    """Return the principal, or None for a marker and for anything that this code did not write.

    Cached, because one session's entry is decoded for each of its requests.
    """
    try:
        entry = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return None
    names = ("user", "username", "role")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in names):
        return None
    user_id = parse_id(entry["user"])
    if user_id is None:
        return None
    # Entries of older versions have no `second_factor`.
    return Principal(user_id, entry["username"], entry["role"], session_id, entry.get("second_factor") is True)
