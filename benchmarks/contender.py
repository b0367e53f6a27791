"""A contender: how to start it, and its requests."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks.load.plan import Request

PASSWORD = "Correct-Horse-7"
BCRYPT_ROUNDS = 4

Command = Sequence[str | Path]


class Kind(StrEnum):
    PRODUCT = "product"
    PEER = "peer"
    LIMIT = "limit"


@dataclass(frozen=True)
class Contender:
    """`command` takes port and threads. Unsupported requests are None.

    `{token}` is an access token, in `refresh` a refresh token. `access` and `refresh_token` are the fields of its responses
    that contain the tokens.
    """

    name: str
    label: str
    kind: Kind
    command: Callable[[int, int], Command]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[Command] = ()
    has_threads: bool = True
    is_seeded_by_requests: bool = False

    me: Request | None = None
    expected_me: str = '"user{index}"'
    expected_registration: str = '"new{number}"'
    forward_auth: Request | None = None
    login: Request | None = None
    refresh: Request | None = None
    register: Request | None = None
    logout: Request | None = None
    logout_status: int = 0
    access: str = "access"
    refresh_token: str = "refresh"


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str = ""


def token_in(response: bytes, name: str) -> str:
    """Return the string field `name`, at any depth of the JSON, or an empty string."""
    match = re.search(rf'"{re.escape(name)}"\s*:\s*("(?:[^"\\]|\\.)+")', response.decode())
    return str(json.loads(match[1])) if match else ""


def as_json(**fields: str) -> str:
    return json.dumps(fields)


def bearing(scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {{token}}"}
