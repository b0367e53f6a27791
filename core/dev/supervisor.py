"""The supervisor: it starts processes, shows what they say, and stops all of them when one ends for good or somebody asks."""

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
from core.dev.commands import Command
from core.dev.console import Console

_GRACE_SECONDS = 8.0
_LEAST_GRACE_SECONDS = 1.0
_LOOK_AT_PARENT_SECONDS = 0.5
_HARD_STOP_AFTER_SECONDS = 0.3
# A process that fails sooner would fail again: the developer should see it.
_RESTART_AFTER_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(Exception):
    """Somebody wants all of it to end: a signal, or the end of the process that we belong to."""


class ChildEnded(Exception):
    """A process that should run for ever has ended; the message says which and how."""


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
    """Use as a context: on the way out it stops what it started, the last started first."""

    def __init__(
        self, console: Console, *, folder: Path, environment: Mapping[str, str], parent: int | None = None
    ) -> None:
        self._console = console
        self._folder = folder
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._parent = parent
        self._children: list[_Child] = []
        # Signal handlers may put into this queue: unlike others it is reentrant.
        self._events: queue.SimpleQueue[_Child | Callable[[], None] | None] = queue.SimpleQueue()
        self._asked_at: float | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            # `nohup` has it ignored, so that closing the terminal stops nothing.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._asked_at = self._asked_at or time.monotonic()
        if isinstance(error, StopAsked | ChildEnded):
            self._console.say(f"{error}; stopping everything.")
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._children:
            grace = max(deadline - time.monotonic(), _LEAST_GRACE_SECONDS)
            processes.stop(self._children[-1].process, grace=grace)
            self._children.pop()

    def start(self, name: str, command: Command, *, restarts: bool = False) -> None:
        """With `restarts` it is started again when it fails after it has run for a while."""
        self._spawn(name, command, restarts=restarts)

    def adopt(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Watch and stop a process that was started elsewhere and writes its log elsewhere."""
        self._watch(_Child(name, process), output=None)

    def run_to_end(self, name: str, command: Command) -> None:
        """Run a process that should end, and end well; `ChildEnded` otherwise."""
        child = self._spawn(name, command)
        ended = self._next_event()
        if ended is not child or child.process.returncode != 0:
            raise ChildEnded(_obituary(ended))
        self._children.remove(child)

    def run_until_stopped(self) -> None:
        """Raises `StopAsked` or `ChildEnded`, whichever comes first."""
        while (ended := self._next_event()).may_restart:
            self._console.say(f"{_obituary(ended)}; starting it again.")
            self._children.remove(ended)
            self._spawn(ended.name, ended.command, restarts=True)
        raise ChildEnded(_obituary(ended))

    def when(self, is_true: Callable[[], bool], then: Callable[[], None]) -> None:
        """Call `then` in the main thread once `is_true`, which is asked again and again in another."""
        threading.Thread(target=self._poll, args=(is_true, then), daemon=True).start()

    def _poll(self, is_true: Callable[[], bool], then: Callable[[], None]) -> None:
        while self._asked_at is None:
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
        processes.kill_group(child.process)  # a web server that was killed leaves its workers
        watchdog.release(child.process.pid)
        reader.join(timeout=1)  # its last words come before our message
        self._events.put(child)

    def _next_event(self) -> _Child:
        """The next child that ends."""
        while True:
            try:
                event = self._events.get(timeout=_LOOK_AT_PARENT_SECONDS)
            except queue.Empty:
                if self._console.is_unread:
                    raise StopAsked("The reader of the output has ended") from None
                if self._parent is not None and os.getppid() != self._parent:
                    raise StopAsked("The process that started this one is gone") from None
                continue
            if event is None:
                raise StopAsked("A signal came")
            if isinstance(event, _Child):
                return event
            event()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._events.put(None)
        # make passes SIGTERM on, so that it comes twice; only a person at the keyboard repeats Ctrl-C.
        elif number == signal.SIGINT and now - self._asked_at > _HARD_STOP_AFTER_SECONDS:
            for child in self._children:
                processes.kill_group(child.process)
            os._exit(128 + number)


def _obituary(child: _Child) -> str:
    code = child.process.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"{child.name} {how}"
