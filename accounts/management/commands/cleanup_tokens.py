"""Removes what is over; beat runs the same daily."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper

from accounts.services import cleanup

_BAR_WIDTH = 30


class Command(BaseCommand):
    help = (
        "Removes ended sessions, spent codes and links, sent emails and accounts that were never verified in time, "
        "in bounded batches. Safe beside traffic and beside itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is to remove")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for name, count in cleanup.count_over().items():
                self.stdout.write(f"{name}: {count} to remove")
            return
        for name, count in self._remove().items():
            self.stdout.write(f"{name}: {count} removed")

    def _remove(self) -> dict[str, int]:
        """With a bar where somebody watches; counting first is not worth it for a log."""
        if not self.stdout.isatty():
            return cleanup.remove_over()
        bar = _Bar(self.stdout, cleanup.count_over())
        try:
            return cleanup.remove_over(report=bar.advance)
        finally:
            bar.clear()


class _Bar:
    """One line that is written over with each batch."""

    def __init__(self, terminal: OutputWrapper, totals: Mapping[str, int]) -> None:
        self._terminal = terminal
        self._total = sum(totals.values())
        self._done = 0
        self._longest = 0

    def advance(self, name: str, count: int) -> None:
        self._done += count
        share = min(self._done / self._total, 1) if self._total else 1  # more may have ended since it was counted
        bar = ("#" * int(share * _BAR_WIDTH)).ljust(_BAR_WIDTH)
        self._write(f"[{bar}] {share:4.0%}  {self._done:,} of {self._total:,}  {name}")

    def clear(self) -> None:
        self._write("")
        self._terminal.write("\r", ending="")

    def _write(self, line: str) -> None:
        self._longest = max(self._longest, len(line))
        self._terminal.write("\r" + line.ljust(self._longest), ending="")
        self._terminal.flush()
