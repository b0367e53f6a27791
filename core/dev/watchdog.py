"""A small process that stops the started servers after their parent was killed, as by `kill -9`.

The watchdog holds the reading end of a pipe and sees end of file when the parent exits for any cause. As a script this
module is the watchdog; imported, it starts one with the first server.
"""

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

_GRACE_SECONDS = 8.0
_PAUSE_SECONDS = 0.05


def guard(leader: int, stop_signal: signal.Signals, *, temporary: Path | None = None) -> None:
    """Let the watchdog end the process group of `leader` and delete its `temporary` folder when this process exits."""
    _send_message({"leader": leader, "signal": stop_signal.value, "folder": str(temporary or "")})


def release(leader: int) -> None:
    """Forget a process that has exited, since its id may be reused."""
    _send_message({"leader": leader})


def _send_message(message: dict[str, int | str]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the watchdog was killed; the servers work without it
        # A forked child gets its own watchdog, separate from the servers of its parent.
        os.write(_watchdog(os.getpid())[1], json.dumps(message).encode() + b"\n")


@cache
def _watchdog(_owner: int) -> tuple[subprocess.Popen[bytes], int]:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(reading)
    atexit.register(_dismiss, process, writing)
    return process, writing


def _dismiss(process: subprocess.Popen[bytes], writing: int) -> None:
    """Close the pipe at exit, and wait until the watchdog has stopped the remaining servers."""
    os.close(writing)
    process.wait()


def _watch() -> None:
    guarded: dict[int, tuple[int, str]] = {}
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "signal" in message:
            guarded[message["leader"]] = (message["signal"], message["folder"])
        else:
            guarded.pop(message["leader"], None)
    _end(guarded)


def _end(guarded: dict[int, tuple[int, str]]) -> None:
    """Send the stop signals, wait, then kill the remaining process groups."""
    for leader, (stop_signal, _folder) in guarded.items():
        _send(os.kill, leader, stop_signal)
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline and any(_send(os.kill, leader, 0) for leader in guarded):
        time.sleep(_PAUSE_SECONDS)
    for leader, (_signal, folder) in guarded.items():
        _send(os.killpg, leader, signal.SIGKILL)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _send(kill: Callable[[int, int], None], leader: int, number: int) -> bool:
    try:
        kill(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    _watch()
