"""Moves the keys of a directory on by one: next becomes active, active retired, and a new next one is made."""

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

_MARGIN = timedelta(minutes=1)  # for clocks, and for a process that signs with the former key a moment longer


@dataclass(frozen=True, slots=True)
class Step:
    """One file's change; `verb` and `kid` are for people."""

    verb: str
    kid: str
    old: Path | None = None
    new: Path | None = None
    pem: bytes = b""


@dataclass(frozen=True, slots=True)
class Plan:
    """`fresh` is the age of a next key that becomes active before others had time to hear of it, else None."""

    steps: list[Step]
    fresh: timedelta | None = None


@contextmanager
def rotation_lock(directory: Path) -> Iterator[None]:
    """No other rotation works in the directory meanwhile. Raises KeyFilesError where one does."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        os.fsync(handle)
    except BlockingIOError:
        raise KeyFilesError(f"a directory that another process rotates at this moment: {directory}") from None
    finally:
        os.close(handle)


def keys_in(directory: Path) -> list[KeyFile]:
    """Oldest first; none where there is no directory yet. Raises KeyFilesError."""
    return files.read_all([str(directory)])[0] if directory.exists() else []


def plan(
    directory: Path, *, algorithm: str | None, now: datetime, token_lifetime: timedelta, heard_after: timedelta
) -> Plan:
    """What a rotation would do. A key signs only after a time as the next one, so the first rotation makes two.

    The order of the steps is that of safety: stopped after any of them, there is a key that signs, and none is missing
    whose tokens live. The next run carries on from there.
    """
    found = keys_in(directory)
    waiting, active, retired = ([file for file in found if file.state is state] for state in State)
    algorithm = algorithm or (active[-1].key.algorithm if active else key.EDDSA)
    steps = [] if len(waiting) > 1 else [_make(directory, algorithm, State.NEXT, now)]
    if not active and not waiting:
        steps.append(_make(directory, algorithm, State.ACTIVE, now))
    if waiting:
        steps += [_move(waiting[0], State.ACTIVE, now), *(_move(file, State.RETIRED, now) for file in active)]
    steps += [_remove(file) for file in retired if now - file.since > token_lifetime + _MARGIN]
    age = now - waiting[0].since if waiting else None
    return Plan(steps, fresh=age if age is not None and age < heard_after else None)


def _make(directory: Path, algorithm: str, state: State, now: datetime) -> Step:
    pem = key.make(algorithm)
    made = key.read(pem)
    return Step(f"new {algorithm} key, {state}", made.kid, new=directory / files.name_of(made.kid, state, now), pem=pem)


def _move(file: KeyFile, state: State, now: datetime) -> Step:
    new = file.path.with_name(files.name_of(file.key.kid, state, now))
    return Step(f"{file.state} -> {state}", file.key.kid, old=file.path, new=new)


def _remove(file: KeyFile) -> Step:
    return Step("retired -> removed", file.key.kid, old=file.path)


def carry_out(step: Step) -> None:
    """Each by one rename, so that nobody ever reads half a key."""
    if step.old is not None and step.new is not None:
        step.old.rename(step.new)
    elif step.old is not None:
        step.old.unlink()
    elif step.new is not None:
        _write(step.new, step.pem)


def _write(path: Path, pem: bytes) -> None:
    """For the eyes of this user alone, from its first byte."""
    draft = path.with_name(f".{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        if os.geteuid() == 0:  # the server, which hopefully is not root, must be able to read it
            owner = path.parent.stat()
            os.chown(handle, owner.st_uid, owner.st_gid)
        file.write(pem)
        file.flush()
        os.fsync(handle)
    draft.rename(path)
