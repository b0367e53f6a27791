"""Removes what is over; beat runs the same daily."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import cleanup


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
        report = self._show if sys.stdout.isatty() else lambda _name, _count: None
        for name, count in cleanup.remove_over(report=report).items():
            self.stdout.write(f"{name}: {count} removed")

    def _show(self, name: str, count: int) -> None:
        self.stdout.write(f"  {name}: {count} more", ending="\r")
