"""How far a command is: one line on a terminal that is written over; nothing where nobody watches, as in a log."""

from types import TracebackType
from typing import Self

from django.core.management.base import OutputWrapper

_WIDTH = 30


class Progress:
    """`with Progress(self.stdout, total=…) as progress:`, and `advance` for each batch; the line is gone in the end."""

    def __init__(self, output: OutputWrapper, *, total: int) -> None:
        self._output = output
        self._is_watched = output.isatty()
        self._total = total
        self._done = 0
        self._longest = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_watched:
            self._write("")
            self._output.write("\r", ending="")

    def advance(self, name: str, count: int) -> None:
        """`count` more are done, of what is called `name`."""
        self._done += count
        if not self._is_watched:
            return
        share = min(self._done / self._total, 1) if self._total else 1  # there may be more than was counted before
        bar = ("#" * int(share * _WIDTH)).ljust(_WIDTH)
        self._write(f"[{bar}] {share:4.0%}  {self._done:,} of {self._total:,}  {name}")

    def _write(self, line: str) -> None:
        self._longest = max(self._longest, len(line))
        self._output.write("\r" + line.ljust(self._longest), ending="")
        self._output.flush()
