"""Fixtures: parent processes to kill, and a check for surviving children."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.paths import BASE_DIR

StartParent = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start_parent() -> Iterator[StartParent]:
    """Start a Python process that starts the named server and prints its process ID."""
    started: list[subprocess.Popen[str]] = []

    def start(what: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "core.dev.tests.stand_in", what]
        started.append(subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for parent in started:
        parent.kill()
        parent.communicate()


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)
