"""Starts the development processes, shows their output, and stops all of them when one exits or a stop is requested."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from core.dev import processes, watchdog
from core.dev.console import Console
from core.web_server.commands import Command

_GRACE_SECONDS = 8.0
_MIN_GRACE_SECONDS = 1.0
_PARENT_CHECK_SECONDS = 0.5
_HARD_STOP_AFTER_SECONDS = 0.3
# A process that fails sooner is not restarted, so that the developer sees the failure.
_RESTART_AFTER_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """A signal, or the exit of the parent process, requests the end of all processes."""


class ChildEnded(Exception):
    """A long-running process exited. The message says which and how."""


@dataclass(frozen=True, eq=False)
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    command: Command = ()
    restarts: bool = False
    started_at: float = field(default_factory=time.monotonic)

    @property
    def may_restart(self) -> bool:
        has_failed = bool(self.process.returncode)
        return self.restarts and has_failed and time.monotonic() - self.started_at >= _RESTART_AFTER_SECONDS


class Supervisor:
    """A context manager that stops its processes on exit, in reverse order of their start."""

    def __init__(
        self, console: Console, *, folder: Path, environment: Mapping[str, str], parent: int | None = None
    ) -> None:
        self._console = console
        self._folder = folder
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._parent = parent
        self._children: list[_Child] = []
        # SimpleQueue is reentrant, so that signal handlers may put into it.
        self._events: queue.SimpleQueue[_Child | Callable[[], None] | None] = queue.SimpleQueue()
        self._stop_requested_at: float | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            # Under `nohup` SIGHUP is ignored and stays ignored.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop_requested_at = self._stop_requested_at or time.monotonic()
        if isinstance(error, StopRequested | ChildEnded):
            self._console.say(f"{error}; stopping everything.")
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._children:
            grace = max(deadline - time.monotonic(), _MIN_GRACE_SECONDS)
            processes.stop(self._children[-1].process, grace=grace)
            self._children.pop()

    def start(self, name: str, command: Command, *, restarts: bool = False) -> None:
        """Start a process. With `restarts` it is restarted if it fails after _RESTART_AFTER_SECONDS."""
        self._spawn(name, command, restarts=restarts)

    def adopt(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Supervise a process that was started elsewhere and writes its own log."""
        self._watch(_Child(name, process), output=None)

    def run_to_end(self, name: str, command: Command) -> None:
        """Run a one-time process. Raise ChildEnded unless it exits with 0."""
        child = self._spawn(name, command)
        ended = self._next_event()
        if ended is not child or child.process.returncode != 0:
            raise ChildEnded(_exit_message(ended))
        self._children.remove(child)

    def run_until_stopped(self) -> None:
        """Supervise until StopRequested or ChildEnded is raised."""
        while (ended := self._next_event()).may_restart:
            self._console.say(f"{_exit_message(ended)}; restarting it.")
            self._children.remove(ended)
            self._spawn(ended.name, ended.command, restarts=True)
        raise ChildEnded(_exit_message(ended))

    def when(self, is_true: Callable[[], bool], then: Callable[[], None]) -> None:
        """Poll `is_true` in a thread, and call `then` in the main thread once it holds."""
        threading.Thread(target=self._poll, args=(is_true, then), daemon=True).start()

    def _poll(self, is_true: Callable[[], bool], then: Callable[[], None]) -> None:
        while self._stop_requested_at is None:
            if is_true():
                self._events.put(then)
                return
            time.sleep(0.1)

    def _spawn(self, name: str, command: Command, *, restarts: bool = False) -> _Child:
        process = processes.start(
            command, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        child = _Child(name, process, command, restarts)
        self._watch(child, output=process.stdout)
        return child

    def _watch(self, child: _Child, *, output: IO[bytes] | None) -> None:
        self._children.append(child)
        reader = threading.Thread(target=self._show, args=(child.name, output), daemon=True)
        reader.start()
        threading.Thread(target=self._await_end, args=(child, reader), daemon=True).start()

    def _show(self, name: str, output: IO[bytes] | None) -> None:
        if output is None:
            return
        with output:
            for line in output:
                self._console.line(name, line.decode(errors="replace").rstrip())

    def _await_end(self, child: _Child, reader: threading.Thread) -> None:
        child.process.wait()
        processes.kill_group(child.process)  # a killed web server leaves its workers behind
        watchdog.release(child.process.pid)
        reader.join(timeout=1)  # the child's last lines come before the exit message
        self._events.put(child)

    def _next_event(self) -> _Child:
        """Return the next child that exits."""
        while True:
            try:
                event = self._events.get(timeout=_PARENT_CHECK_SECONDS)
            except queue.Empty:
                if self._console.is_unread:
                    raise StopRequested("The reader of the output is gone") from None
                if self._parent is not None and os.getppid() != self._parent:
                    raise StopRequested("The parent process is gone") from None
                continue
            if event is None:
                raise StopRequested("Received a signal")
            if isinstance(event, _Child):
                return event
            event()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._stop_requested_at is None:
            self._stop_requested_at = now
            self._events.put(None)
        # make forwards SIGTERM, so that it arrives twice; only a person repeats Ctrl-C.
        elif number == signal.SIGINT and now - self._stop_requested_at > _HARD_STOP_AFTER_SECONDS:
            for child in self._children:
                processes.kill_group(child.process)
            os._exit(128 + number)


def _exit_message(child: _Child) -> str:
    code = child.process.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
    return f"{child.name} {how}"
