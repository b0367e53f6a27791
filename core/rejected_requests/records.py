"""What is kept of a refusal: facts that ids lead to, and nothing that somebody typed."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.ids import parse_id

_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
_MOST_FIELDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`route` is the path's template, "" where there is no such path; `fields` are the names of those that were not valid.

    `limit` is what RateLimit-Policy said, `retry_after` is in seconds. Who asked is known from a token that was signed here,
    be it expired or of a session that is over.
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


def template_of(route: str) -> str:
    """`api/auth/users/(?P<pk>[^/]+)/?$` is `/api/auth/users/{pk}`."""
    plain = _GROUP.sub(r"{\1}", route).removesuffix("/?$")
    return "" if plain.startswith("^") else f"/{plain}"


def names_in(errors: object) -> tuple[str, ...]:
    """Of the fields in an answer's `errors`. Inner names may be a client's own words, and are left out."""
    names = [str(name).partition(".")[0] for name in errors] if isinstance(errors, Mapping) else []
    return tuple(name for name in dict.fromkeys(names) if _FIELD.fullmatch(name))[:_MOST_FIELDS]


def encode(refusal: Refusal) -> str:
    values = {name: value for name, value in asdict(refusal).items() if value}
    return json.dumps(values | {"at": refusal.at.isoformat()}, default=str, separators=(",", ":"))


def decode(text: bytes) -> Refusal | None:
    """None for what we did not write."""
    try:
        values: dict[str, Any] = json.loads(text)
        ids = {name: parse_id(values.get(name)) for name in ("user_id", "session_id")}
        at, fields = datetime.fromisoformat(values["at"]), tuple(values.get("fields", ()))
        return Refusal(**(values | ids | {"at": at, "fields": fields}))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
