"""The access log's line for one request.

Formatted by hand, for speed: docs/decisions/0007-access-log-and-metrics.md. Every part comes from the service itself: the
route is a template, never the path, and the line has no query, no IP, no user agent and no name.
"""

import json
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import NamedTuple

from core.observability.request_identity import UserAndSession

LOGGER = "vestibule.access"


class AccessRecord(NamedTuple):
    """`ended_at` is a Unix time; `identity` has the ids of user and session, where they are known."""

    ended_at: float
    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    identity: UserAndSession


def as_json(record: AccessRecord) -> str:
    user_id, session_id = record.identity
    user = f', "user_id": "{user_id}"' if user_id else ""
    session = f', "session_id": "{session_id}"' if session_id else ""
    return (
        f'{{"time": "{_iso_time(record.ended_at)}", "level": "INFO", "logger": "{LOGGER}", "message": "request", '
        f'"request_id": "{record.request_id}"{user}{session}, "method": "{record.method}", '
        f'"route": {_json_string(record.route)}, '
        f'"status": {record.status}, "duration_ms": {record.seconds * 1000:.1f}}}\n'
    )


def as_text(record: AccessRecord) -> str:
    user = f" user {record.identity.user_id}" if record.identity.user_id else ""
    request = f"{record.method} {record.route} {record.status} {record.seconds * 1000:.1f} ms"
    return f"{_iso_time(record.ended_at)} INFO {LOGGER} [{record.request_id}] {request}{user}\n"


def _iso_time(timestamp: float) -> str:
    second = int(timestamp)
    return f"{_iso_second(second)}.{int((timestamp - second) * 1000):03d}Z"


@lru_cache(maxsize=8)
def _iso_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:-6]


@cache
def _json_string(route: str) -> str:
    """The cache has one entry per route of the project."""
    return json.dumps(route)
