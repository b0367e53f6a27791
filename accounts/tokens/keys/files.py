"""Reads the key files. A file's name has the state of its key and the time of the last change, so a rename is atomic."""

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
_MAX_ATTEMPTS = 5

Signature = tuple[tuple[str, int, int, int], ...]


class State(StrEnum):
    """Published before it signs; signing; published until its last token has expired."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class KeyFilesError(Exception):
    """A file or directory of keys cannot be used. The message names it and the reason."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    path: Path
    key: SigningKey
    state: State
    since: datetime


def file_name(kid: str, state: State, since: datetime) -> str:
    """Return a name such as `2026-11-21T09-30-00Z-<kid>.next.pem`."""
    return f"{since.astimezone(UTC).strftime(_STAMP)}-{kid}.{state}{_SUFFIX}"


def read_all(paths: Iterable[str]) -> tuple[list[KeyFile], Signature]:
    """Return the keys of all files and directories, oldest first, and their `signature`. Raises KeyFilesError.

    Reading a directory is not atomic: if a file changed meanwhile, everything is read again.
    """
    paths, missing = list(paths), ""
    for _ in range(_MAX_ATTEMPTS):
        before = signature(paths)
        try:
            key_files = [_read(path) for path in _files(paths)]
        except FileNotFoundError as error:
            missing = str(error.filename)
            continue
        if signature(paths) == before:
            return _deduplicated(key_files), before
    raise KeyFilesError(
        f"a file that does not exist: {missing}" if missing else "files that change while they are read"
    )


def signature(paths: Iterable[str]) -> Signature:
    """Return a value that changes with every file that is added, removed, renamed or written. Raises KeyFilesError."""
    stats = []
    for path in _files(paths):
        try:
            stat = path.stat()
        except OSError:
            continue
        stats.append((str(path), stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size))
    return tuple(stats)


def _files(paths: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        try:
            names = sorted(os.listdir(path))  # noqa: PTH208 - runs often and needs only the names
        except OSError as error:
            raise KeyFilesError(f"a directory that cannot be read: {path}") from error
        yield from (path / name for name in names if name.endswith(_SUFFIX) and not name.startswith("."))


def _read(path: Path) -> KeyFile:
    try:
        modified_at, pem = path.stat().st_mtime, path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFilesError(f"a file that cannot be read: {path}") from error
    try:
        key = signing_key.load(pem)
    except UnusableKey as problem:
        raise KeyFilesError(f"a file that {problem}: {path}") from None
    return KeyFile(path=path, key=key, state=_state(path), since=_since(path, modified_at))


def _state(path: Path) -> State:
    """Return ACTIVE for a file whose name has no state."""
    suffix = path.stem.rpartition(".")[2]
    return State(suffix) if suffix in set(State) else State.ACTIVE


def _since(path: Path, modified_at: float) -> datetime:
    """Read the time in the name, which a copy to another machine keeps; else use the file's."""
    stamp = _NAME.match(path.name)
    if stamp is not None:
        try:
            return datetime.strptime(stamp[1], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            pass
    return datetime.fromtimestamp(modified_at, UTC)


def _deduplicated(key_files: Iterable[KeyFile]) -> list[KeyFile]:
    """Keep the latest state of a key with two files: a copy of a directory may leave the file of the old state."""
    ordered = sorted(key_files, key=lambda file: (file.since, list(State).index(file.state)))
    return list({file.key.kid: file for file in ordered}.values())
