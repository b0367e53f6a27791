"""The files of the keys. Their names say what state each is in, and since when, so that a rename changes it at once."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from accounts.tokens.keys import key as signing_key
from accounts.tokens.keys.key import SigningKey, UnusableKey

_STAMP = "%Y-%m-%dT%H-%M-%SZ"
_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)-.+")
_SUFFIX = ".pem"
_TRIES = 5

Signature = tuple[tuple[str, int, int, int], ...]


class State(StrEnum):
    """Published ahead of its use; signing; published as long as tokens of it may live."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class KeyFilesError(Exception):
    """The message says what is wrong with which file or directory."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    path: Path
    key: SigningKey
    state: State
    since: datetime


def name_of(kid: str, state: State, since: datetime) -> str:
    """Such as `2026-11-21T09-30-00Z-<kid>.next.pem`."""
    return f"{since.astimezone(UTC).strftime(_STAMP)}-{kid}.{state}{_SUFFIX}"


def read_all(places: Iterable[str]) -> tuple[list[KeyFile], Signature]:
    """The keys of all files and directories named, oldest first, and what `signature` said of them. Raises KeyFilesError.

    A directory is not read in one moment: where a file was renamed meanwhile, all is read again.
    """
    places, missing = list(places), ""
    for _ in range(_TRIES):
        before = signature(places)
        try:
            found = [_read(path) for path in _paths(places)]
        except FileNotFoundError as error:
            missing = str(error.filename)
            continue
        if signature(places) == before:
            return _each_once(found), before
    raise KeyFilesError(f"a file that is not there: {missing}" if missing else "files that keep changing")


def signature(places: Iterable[str]) -> Signature:
    """Differs as soon as a file came, went, was renamed, written, or opened to others. Raises KeyFilesError."""
    found = []
    for path in _paths(places):
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size))
    return tuple(found)


def _paths(places: Iterable[str]) -> Iterator[Path]:
    for place in map(Path, places):
        if not place.is_dir():
            yield place
            continue
        try:
            names = sorted(os.listdir(place))  # noqa: PTH208 - names are all that is wanted, and this is asked for often
        except OSError as error:
            raise KeyFilesError(f"a directory that cannot be read: {place}") from error
        yield from (place / name for name in names if name.endswith(_SUFFIX) and not name.startswith("."))


def _read(path: Path) -> KeyFile:
    try:
        modified_at, pem = path.stat().st_mtime, path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFilesError(f"a file that cannot be read: {path}") from error
    try:
        key = signing_key.read(pem)
    except UnusableKey as problem:
        raise KeyFilesError(f"a file that {problem}: {path}") from None
    return KeyFile(path=path, key=key, state=_state(path), since=_since(path, modified_at))


def _state(path: Path) -> State:
    """A key that somebody put there under a name of their own signs."""
    word = path.stem.rpartition(".")[2]
    return State(word) if word in set(State) else State.ACTIVE


def _since(path: Path, modified_at: float) -> datetime:
    """By the name, which a copy to another machine leaves alone; else by the file."""
    stamp = _NAME.match(path.name)
    if stamp is not None:
        try:
            return datetime.strptime(stamp[1], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            pass
    return datetime.fromtimestamp(modified_at, UTC)


def _each_once(found: Iterable[KeyFile]) -> list[KeyFile]:
    """A key that lies there under two names, since a copy brought the new one and left the old, is in its latest state."""
    ordered = sorted(found, key=lambda file: (file.since, list(State).index(file.state)))
    return list({file.key.kid: file for file in ordered}.values())
