"""The directory in which the web processes of one server count, each in its own files, so that any process can add them up.

prometheus-client reads the variable when it is imported, so the parent of a server sets it before. The files are mapped
into memory: incrementing writes there, and no process waits for another.
"""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from prometheus_client import values

from core.paths import BASE_DIR, private_folder

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_unusable: set[Path] = set()


def current_dir() -> Path | None:
    """Return the directory that this process counts in, or None where it counts only for itself."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def ensure_dir() -> None:
    """Create the directory if VARIABLE names a missing one. If it cannot be written, this process counts only for itself."""
    directory = current_dir()
    if directory is None:
        return
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK | os.X_OK):
        _unusable.add(directory)
        os.environ.pop(VARIABLE)
        values.ValueClass = values.MutexValue


def prepare_dir(*, port: int) -> dict[str, str]:
    """Return the environment for a server that is about to start, with an empty directory: VARIABLE's own, if it is set.

    Return {} if no directory can be created: each process then counts only for itself, and the service still starts.
    """
    directory = current_dir() or Path(tempfile.gettempdir()) / f"vestibule-{_checkout_hash()}-{port}"
    try:
        if current_dir() is None:
            private_folder(directory)
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(directory)
        for file in directory.glob("*.db"):
            file.unlink()
    except (OSError, RuntimeError):
        _unusable.update({directory} if os.environ.pop(VARIABLE, None) else ())
        return {}
    return {VARIABLE: str(directory)}


def named_dir_is_unusable() -> bool:
    """Return whether VARIABLE named a directory that this process could not write and so removed from the environment."""
    return bool(_unusable)


def _checkout_hash() -> str:
    return hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:16]


def prune_dead_gauges(directory: Path) -> None:
    """Remove the live gauges of processes that have died. Their counters stay: those events have happened."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            with suppress(FileNotFoundError):  # another scrape was first
                file.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
