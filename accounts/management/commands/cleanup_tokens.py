"""Removes what is over; beat runs the same daily."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.services import cleanup
from core.management.documented_command import TaughtCommand
from core.management.progress import Progress

_HELP = """\
Removes what is over: sessions that ended and emails that were sent longer ago than HISTORY_RETENTION, the data of expired
sessions, spent codes and links, audit events past AUDIT_RETENTION, and accounts that were never verified in time
(UNVERIFIED_ACCOUNT_LIFETIME).

It works in bounded batches and passes over rows that somebody else holds, so it is safe beside traffic and beside itself;
stopped half-way, it has removed what it had removed. Beat runs the same daily: by hand it is for the impatient."""


class Command(TaughtCommand):
    help = _HELP
    examples = ("--dry-run", "")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is to remove")
        parser.add_argument(
            "--max-seconds", type=float, help="stop after this time, with exit code 1 if something is left"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for name, count in cleanup.count_over().items():
                self.stdout.write(f"{name}: {count} to remove")
            return
        try:
            removed, is_cut_off = self._remove(options["max_seconds"]), False
        except cleanup.CutOffError as error:
            removed, is_cut_off = dict(error.removed), True
        for name, count in removed.items():
            self.stdout.write(f"{name}: {count} removed")
        if is_cut_off:
            raise CommandError("The time was up before everything was removed. Run it again for the rest.")

    def _remove(self, max_seconds: float | None) -> dict[str, int]:
        """With a bar where somebody watches; counting first is not worth it for a log."""
        total = sum(cleanup.count_over().values()) if self.stdout.isatty() else 0
        with Progress(self.stdout, total=total) as progress:
            return cleanup.remove_over(report=progress.advance, max_seconds=max_seconds)
