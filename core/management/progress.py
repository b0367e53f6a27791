"""A progress bar for commands: one line that is overwritten in a terminal, and no output elsewhere, such as in a log."""

from types import TracebackType
from typing import Self

from django.core.management.base import OutputWrapper

_WIDTH = 30


class Progress:
    """Use as `with Progress(self.stdout, total=…) as progress:`, and call `advance` for each batch.

    The line is removed at the end.
    """

    def __init__(self, output: OutputWrapper, *, total: int) -> None:
        self._output = output
        self._is_terminal = output.isatty()
        self._total = total
        self._count = 0
        self._max_length = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal:
            self._write("")
            self._output.write("\r", ending="")

    def advance(self, name: str, count: int) -> None:
        """Add `count` finished items of the kind `name`."""
        self._count += count
        if not self._is_terminal:
            return
        share = (
            min(self._count / self._total, 1) if self._total else 1
        )  # new items may appear after the total was counted
        bar = ("#" * int(share * _WIDTH)).ljust(_WIDTH)
        self._write(f"[{bar}] {share:4.0%}  {self._count:,} of {self._total:,}  {name}")

    def _write(self, line: str) -> None:
        self._max_length = max(self._max_length, len(line))
        self._output.write("\r" + line.ljust(self._max_length), ending="")
        self._output.flush()
