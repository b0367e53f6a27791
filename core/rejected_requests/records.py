"""The record of a rejected request: ids and codes, and nothing that a user typed."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.ids import parse_id

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
_MAX_FIELDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRequest:
    """`route` is the path's template, "" for an unknown path; `fields` are the names of the invalid ones.

    `limit` is the RateLimit-Policy header, `retry_after` is in seconds. The ids come from a token with a valid signature,
    even if it had expired or its session had ended.
    """

    request_id: str
    at: datetime
    status: int
    code: str = ""
    method: str = ""
    route: str = ""
    ip: str | None = None
    fields: tuple[str, ...] = ()
    limit: str = ""
    retry_after: str = ""
    user_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None


def field_names(errors: object) -> tuple[str, ...]:
    """Return the top-level names in the `errors` of a response. Inner names may be a client's own text and are left out."""
    names = [str(name).partition(".")[0] for name in errors] if isinstance(errors, Mapping) else []
    return tuple(name for name in dict.fromkeys(names) if _FIELD_NAME.fullmatch(name))[:_MAX_FIELDS]


def encode(rejected: RejectedRequest) -> str:
    values = {name: value for name, value in asdict(rejected).items() if value}
    return json.dumps(values | {"at": rejected.at.isoformat()}, default=str, separators=(",", ":"))


def decode(text: bytes) -> RejectedRequest | None:
    """Return None for anything that `encode` did not write."""
    try:
        values: dict[str, Any] = json.loads(text)
        ids = {name: parse_id(values.get(name)) for name in ("user_id", "session_id")}
        at, fields = datetime.fromisoformat(values["at"]), tuple(values.get("fields", ()))
        return RejectedRequest(**(values | ids | {"at": at, "fields": fields}))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
