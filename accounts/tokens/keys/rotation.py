"""Rotates the keys of a directory: next becomes active, active becomes retired, and a new next key is created."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from accounts.tokens.keys import files, key
from accounts.tokens.keys.files import KeyFile, KeyFilesError, State

_MARGIN = timedelta(minutes=1)  # for clock skew, and for processes that reload their keys a little later


@dataclass(frozen=True, slots=True)
class Step:
    """The change of one file. `verb` and `kid` are for the output."""

    verb: str
    kid: str
    old: Path | None = None
    new: Path | None = None
    pem: bytes = b""


@dataclass(frozen=True, slots=True)
class Plan:
    """`published_for` is set if the next key becomes active before verifiers had time to fetch it."""

    steps: list[Step]
    published_for: timedelta | None = None


@contextmanager
def rotation_lock(directory: Path) -> Iterator[None]:
    """Hold an exclusive lock on the directory. Raises KeyFilesError if another process has it."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        os.fsync(handle)
    except BlockingIOError:
        raise KeyFilesError(f"a directory that another process is rotating: {directory}") from None
    finally:
        os.close(handle)


def read_directory(directory: Path) -> list[KeyFile]:
    """Return the keys, oldest first; none if the directory does not exist. Raises KeyFilesError."""
    return files.read_all([str(directory)])[0] if directory.exists() else []


def plan(
    directory: Path, *, algorithm: str | None, now: datetime, token_lifetime: timedelta, min_publication: timedelta
) -> Plan:
    """Return the steps of a rotation. A key is published as the next one before it signs, so the first rotation creates two.

    After each step there is a key that signs, and every key with unexpired tokens is present. If a run is interrupted, the
    next one continues.
    """
    key_files = read_directory(directory)
    waiting, active, retired = ([file for file in key_files if file.state is state] for state in State)
    algorithm = algorithm or (active[-1].key.algorithm if active else key.EDDSA)
    steps = [] if len(waiting) > 1 else [_make(directory, algorithm, State.NEXT, now)]
    if not active and not waiting:
        steps.append(_make(directory, algorithm, State.ACTIVE, now))
    if waiting:
        steps += [_move(waiting[0], State.ACTIVE, now), *(_move(file, State.RETIRED, now) for file in active)]
    steps += [_remove(file) for file in retired if now - file.since > token_lifetime + _MARGIN]
    age = now - waiting[0].since if waiting else None
    return Plan(steps, published_for=age if age is not None and age < min_publication else None)


def _make(directory: Path, algorithm: str, state: State, now: datetime) -> Step:
    pem = key.generate(algorithm)
    new_key = key.load(pem)
    return Step(
        f"new {algorithm} key, {state}", new_key.kid, new=directory / files.file_name(new_key.kid, state, now), pem=pem
    )


def _move(file: KeyFile, state: State, now: datetime) -> Step:
    new = file.path.with_name(files.file_name(file.key.kid, state, now))
    return Step(f"{file.state} -> {state}", file.key.kid, old=file.path, new=new)


def _remove(file: KeyFile) -> Step:
    return Step("retired -> removed", file.key.kid, old=file.path)


def apply(step: Step) -> None:
    """Apply one step by a rename, so that no process reads half a key."""
    if step.old is not None and step.new is not None:
        step.old.rename(step.new)
    elif step.old is not None:
        step.old.unlink()
    elif step.new is not None:
        _write(step.new, step.pem)


def _write(path: Path, pem: bytes) -> None:
    """Write the file with mode 0600 from its first byte."""
    draft = path.with_name(f".{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        if os.geteuid() == 0:  # the server runs as the directory's owner and must be able to read it
            owner = path.parent.stat()
            os.chown(handle, owner.st_uid, owner.st_gid)
        file.write(pem)
        file.flush()
        os.fsync(handle)
    draft.rename(path)
