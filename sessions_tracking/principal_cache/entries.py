"""What Redis holds under a session: its principal for a while, or a mark. Nothing else is believed."""

import functools
import json
import uuid
from dataclasses import dataclass

from core.ids import parse_id

# How long a process that could not be told of a revocation may still believe what it read before.
ACTIVE_ENTRY_SECONDS = 30
REVOKED = b'{"revoked": true}'
# Whoever finds it asks the database. It stands where a change of role could not be written when it was made.
CHANGED = b'{"changed": true}'


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request acts for. Stands in for `request.user` without a query; `id` is the user's."""

    id: uuid.UUID
    username: str
    role: str
    session_id: uuid.UUID
    second_factor: bool = False
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_active: bool = True

    @property
    def pk(self) -> uuid.UUID:
        return self.id


def key_of(session_id: uuid.UUID) -> str:
    return f"vestibule:session:{session_id}"


def encode(principal: Principal) -> bytes:
    entry = {"user": str(principal.id), "username": principal.username, "role": principal.role}
    return json.dumps(entry | {"second_factor": principal.second_factor}).encode()


@functools.lru_cache(maxsize=2048)
def decode(found: bytes, session_id: uuid.UUID) -> Principal | None:
    """None for a mark, and for anything that we did not write. The same bytes mean the same, and come again and again."""
    try:
        entry = json.loads(found or b"null")
    except (ValueError, RecursionError):
        return None
    names = ("user", "username", "role")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in names):
        return None
    user_id = parse_id(entry["user"])
    if user_id is None:
        return None
    # An older version wrote nothing of a second factor.
    return Principal(user_id, entry["username"], entry["role"], session_id, entry.get("second_factor") is True)
