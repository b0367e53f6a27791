"""The folder in which the web processes of one server count, each in files of its own, so that any of them can add up all.

prometheus-client looks for the variable when it is imported, so whoever starts a server sets it before. The files are mapped
into memory: to count is to write there, and no process waits for another.
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


def folder() -> Path | None:
    """Where this process counts; None where it counts for itself alone."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def settle() -> None:
    """Makes the folder where it is named and missing. Where it cannot be made or written, this process counts for itself."""
    place = folder()
    if place is None:
        return
    with suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
    if not os.access(place, os.W_OK | os.X_OK):
        _unusable.add(place)
        os.environ.pop(VARIABLE)
        values.ValueClass = values.MutexValue


def prepare(*, port: int) -> dict[str, str]:
    """For the environment of a server that is about to start: an empty folder, the one that VARIABLE names if it does.

    Nothing where no such folder can be had: then each process counts for itself, and the service runs all the same.
    """
    place = folder() or Path(tempfile.gettempdir()) / f"vestibule-{_of_this_checkout()}-{port}"
    try:
        if folder() is None:
            private_folder(place)
        place.mkdir(parents=True, exist_ok=True)
        if not os.access(place, os.W_OK | os.X_OK):
            raise PermissionError(place)
        for file in place.glob("*.db"):
            file.unlink()
    except (OSError, RuntimeError):
        _unusable.update({place} if os.environ.pop(VARIABLE, None) else ())
        return {}
    return {VARIABLE: str(place)}


def named_folder_is_unusable() -> bool:
    """Whether VARIABLE named a folder that this process could not make or write, and so took out of the environment."""
    return bool(_unusable)


def _of_this_checkout() -> str:
    return hashlib.sha256(os.fsencode(BASE_DIR)).hexdigest()[:16]


def drop_gauges_of_the_dead(place: Path) -> None:
    """What a killed process had under way is under way no more. Its counters stay: what it counted has happened."""
    for file in place.glob("gauge_live*_*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdigit() and not _lives(int(number)):
            with suppress(FileNotFoundError):  # another scrape was first
                file.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
