"""Servers as child processes, each in its own session, which end together with their children."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.dev import watchdog
from core.web_server.bind_address import StartupError

_PAUSE_SECONDS = 0.02


def start(
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    temporary: Path | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a server that ignores Ctrl-C at the terminal and ends with this process.

    Its `temporary` folder is deleted then. `options` are passed to `subprocess.Popen`; standard input is /dev/null.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    watchdog.guard(process.pid, stop_signal, temporary=temporary)
    return process


def stop(process: subprocess.Popen[bytes], *, stop_signal: signal.Signals = signal.SIGTERM, grace: float) -> None:
    """Send the stop signal, kill the server after `grace` seconds, and kill all its children."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(grace, 0))
    kill_group(process)
    process.wait()
    watchdog.release(process.pid)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, seconds: float) -> None:
    """Return when the server is ready. Raise StartupError with the end of its log if it exits or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None:
            raise StartupError(f"A server exited with code {process.returncode} while starting. {log}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise StartupError(f"A server did not respond within {seconds:g} seconds. {log}:\n{_tail(log)}")
        time.sleep(_PAUSE_SECONDS)


def _tail(log: Path, lines: int = 15) -> str:
    try:
        text = log.read_text("utf-8", "replace")
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (empty)"
