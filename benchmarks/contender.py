"""A contender: how it is started, and what its requests are called."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks.load.plan import Ask

PASSWORD = "Correct-Horse-7"
BCRYPT_ROUNDS = 4

Command = Sequence[str | Path]


class Kind(StrEnum):
    PRODUCT = "product"
    PEER = "peer"
    LIMIT = "limit"


@dataclass(frozen=True)
class Contender:
    """`command` takes port and threads. Of the requests, those that it has; `{token}` is an access token in all but `refresh`.

    `access` and `refresh_token` are the names under which its answers hold the tokens.
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

    me: Ask | None = None
    says: str = '"user{index}"'
    says_of_new: str = '"new{number}"'
    forward_auth: Ask | None = None
    login: Ask | None = None
    refresh: Ask | None = None
    register: Ask | None = None
    logout: Ask | None = None
    logout_status: int = 0
    access: str = "access"
    refresh_token: str = "refresh"


@dataclass(frozen=True)
class Tokens:
    access: str
    refresh: str = ""


def token_in(answer: bytes, name: str) -> str:
    """The string called `name`, wherever it stands in the JSON. Empty where there is none."""
    found = re.search(rf'"{re.escape(name)}"\s*:\s*("(?:[^"\\]|\\.)+")', answer.decode())
    return str(json.loads(found[1])) if found else ""


def as_json(**fields: str) -> str:
    return json.dumps(fields)


def bearing(scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {{token}}"}
