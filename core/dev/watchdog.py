"""The watchdog: a small process that ends the servers we started when we can no longer do it, as after `kill -9`.

It holds the reading end of a pipe and learns of our end by the end of file, whatever the cause. Run as a script it is
the watchdog; imported it is the side that starts one, at the first server.
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
    """From now on the process group of `leader` does not outlive this process, nor does its `temporary` folder."""
    _tell({"leader": leader, "signal": stop_signal.value, "folder": str(temporary or "")})


def release(leader: int) -> None:
    """The process is gone, and its number may soon belong to somebody else."""
    _tell({"leader": leader})


def _tell(message: dict[str, int | str]) -> None:
    with contextlib.suppress(BrokenPipeError):  # somebody ended the watchdog; the servers can do without
        # A forked child must not speak for its parent's servers, so it gets a watchdog of its own.
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
    """At an orderly end: there is nothing left to guard, or else its end is waited for."""
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
    """Ask the leaders, give them time, and then end whatever is left of their groups."""
    for leader, (stop_signal, _folder) in guarded.items():
        _send(os.kill, leader, stop_signal)
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline and any(_send(os.kill, leader, 0) for leader in guarded):
        time.sleep(_PAUSE_SECONDS)
    for leader, (_signal, folder) in guarded.items():
        _send(os.killpg, leader, signal.SIGKILL)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _send(how: Callable[[int, int], None], leader: int, number: int) -> bool:
    try:
        how(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    _watch()
