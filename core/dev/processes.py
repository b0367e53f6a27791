"""Servers as child processes: started in a session of their own, watched, and ended together with their children."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.dev import watchdog

_PAUSE_SECONDS = 0.02


class CannotStart(Exception):
    """A server did not start; the message is meant for the person at the terminal."""


def start(
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    temporary: Path | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a server that Ctrl-C at the terminal does not reach and that does not outlive this process.

    Its `temporary` folder does not either. `options` are those of `subprocess.Popen`; standard input is closed to it.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
    watchdog.guard(process.pid, stop_signal, temporary=temporary)
    return process


def stop(process: subprocess.Popen[bytes], *, stop_signal: signal.Signals = signal.SIGTERM, grace: float) -> None:
    """Ask the server to end, insist after `grace` seconds, and leave none of its children behind."""
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
    """Return when the server is ready; raise `CannotStart` with the end of its log if it dies or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None:
            raise CannotStart(f"A server ended with exit code {process.returncode} at its start. {log}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise CannotStart(f"A server did not answer within {seconds:g} seconds. {log}:\n{_tail(log)}")
        time.sleep(_PAUSE_SECONDS)


def _tail(log: Path, lines: int = 15) -> str:
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (empty)"
