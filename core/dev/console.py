"""Writes the output of the supervised processes, each line prefixed with the process name, coloured on a terminal."""

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

_COLOURS = {"web": 36, "worker": 35, "beat": 34, "migrate": 33, "redis": 31, "run_dev": 32}
_WIDTH = max(map(len, _COLOURS))


class Console:
    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output or sys.stdout
        self._lock = threading.Lock()
        self.is_unread = False
        self._is_coloured = self._output.isatty() and not os.environ.get("NO_COLOR")

    def line(self, name: str, text: str) -> None:
        # The terminal may be closed already; the processes must still be stopped.
        with self._lock, contextlib.suppress(OSError, ValueError):
            try:
                self._output.write(f"{self._prefix(name)} {self._encodable(text)}\n")
                self._output.flush()
            except BrokenPipeError:
                self._drop_output()

    def say(self, text: str) -> None:
        for line in text.splitlines() or [""]:
            self.line("run_dev", line)

    def _encodable(self, text: str) -> str:
        """Replace characters that the output's encoding lacks by `?`, instead of dropping the line."""
        encoding = getattr(self._output, "encoding", None) or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)

    def _drop_output(self) -> None:
        """Write to /dev/null from now on: the pipe's reader, such as `head`, is gone, and a flush at exit would fail again."""
        self.is_unread = True
        self._output = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - stays open until the process exits
        os.dup2(self._output.fileno(), sys.__stdout__.fileno() if sys.__stdout__ else 1)

    def _prefix(self, name: str) -> str:
        prefix = f"{name:<{_WIDTH}} |"
        return f"\033[{_COLOURS.get(name, 37)}m{prefix}\033[0m" if self._is_coloured else prefix
