"""The line of one request: what was asked, how it went, how long it took, and on whose behalf.

It is put together by hand, for speed. All of its parts are our own: the route is a template, never the path, and there is no
query, no address, no agent and no name in it.
"""

import json
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

LOGGER = "vestibule.access"


class Answered(NamedTuple):
    """`ended` is a Unix time, `seconds` how long it took, `ids` are those of user and session, where they are known."""

    ended: float
    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    ids: tuple[Any, Any]


def as_json(one: Answered) -> str:
    user_id, session_id = one.ids
    user = f', "user_id": "{user_id}"' if user_id else ""
    session = f', "session_id": "{session_id}"' if session_id else ""
    return (
        f'{{"time": "{_moment(one.ended)}", "level": "INFO", "logger": "{LOGGER}", "message": "request", '
        f'"request_id": "{one.request_id}"{user}{session}, "method": "{one.method}", "route": {_quoted(one.route)}, '
        f'"status": {one.status}, "duration_ms": {one.seconds * 1000:.1f}}}\n'
    )


def as_text(one: Answered) -> str:
    user = f" user {one.ids[0]}" if one.ids[0] else ""
    did = f"{one.method} {one.route} {one.status} {one.seconds * 1000:.1f} ms"
    return f"{_moment(one.ended)} INFO {LOGGER} [{one.request_id}] {did}{user}\n"


def _moment(ended: float) -> str:
    second = int(ended)
    return f"{_second(second)}.{int((ended - second) * 1000):03d}Z"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:-6]


@cache
def _quoted(route: str) -> str:
    """There are as many as the project has routes."""
    return json.dumps(route)
