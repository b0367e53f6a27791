"""Deletes expired and ended data, as the daily task of beat does."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.services import cleanup
from core.management.documented_command import DocumentedCommand
from core.management.progress import Progress

_HELP = """\
Deletes sessions that ended and emails that were sent more than HISTORY_RETENTION ago, the data of expired sessions, used
and expired codes and links, audit events older than AUDIT_RETENTION, and accounts that were not verified within
UNVERIFIED_ACCOUNT_LIFETIME.

Rows are deleted in small batches, and rows that are locked by other processes are skipped, so the command is safe to run
under traffic and beside itself. What it deleted stays deleted if you stop it. Celery beat does the same once a day."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("--dry-run", "")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="print how many rows would be deleted, and delete none"
        )
        parser.add_argument(
            "--max-seconds", type=float, help="stop after this time, with exit code 1 if rows may be left"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for name, count in cleanup.count_expired().items():
                self.stdout.write(f"{name}: {count} to delete")
            return
        try:
            deleted, is_timeout = self._delete(options["max_seconds"]), False
        except cleanup.CleanupTimeoutError as error:
            deleted, is_timeout = dict(error.deleted), True
        for name, count in deleted.items():
            self.stdout.write(f"{name}: {count} deleted")
        if is_timeout:
            raise CommandError("The time was up before all rows were deleted. Run the command again.")

    def _delete(self, max_seconds: float | None) -> dict[str, int]:
        """Count first only for the progress bar of a terminal."""
        total = sum(cleanup.count_expired().values()) if self.stdout.isatty() else 0
        with Progress(self.stdout, total=total) as progress:
            return cleanup.delete_expired(report=progress.advance, max_seconds=max_seconds)
