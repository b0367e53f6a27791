"""Makes and rotates the keys that sign access tokens."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.tokens.keys import rotation
from accounts.tokens.keys.files import KeyFilesError
from accounts.tokens.keys.key import ALGORITHMS
from core.management.documented_command import TaughtCommand

_HELP = """\
Makes and rotates the keys that sign access tokens.

The first run makes an active key and the next one. Each later run makes the next key active, the active one retired, and
a new next one; and removes retired keys that no living token was signed with. The published key set holds them all, so
that other services know a key before it signs, and tokens of the former key stay good: nobody is signed out. Running
processes notice by themselves within seconds. A key's state stands in its file's name, such as
2026-11-21T09-30-00Z-<kid>.active.pem; several machines may share the directory, or be given copies of it.

Is a key compromised? Run this, then delete its file: what it signed is refused within seconds, and clients refresh."""


class Command(TaughtCommand):
    help = _HELP
    examples = ("--directory /etc/vestibule/keys", "--list", "--algorithm ES256 --dry-run")
    requires_system_checks: list[str] = []  # it must run before there is any key

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--directory", help="where the keys are; the directory of JWT_PRIVATE_KEYS if left out")
        help_of_algorithm = "of new keys; that of the active one if left out, EdDSA at first"
        parser.add_argument("--algorithm", choices=ALGORITHMS, help=help_of_algorithm)
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--list", action="store_true", help="only say which keys there are, the newest last")

    def handle(self, *args: Any, **options: Any) -> None:
        directory = _directory(options["directory"])
        try:
            if options["list"]:
                self._list(directory)
            elif options["dry_run"]:
                self._say(self._plan(directory, options["algorithm"]), is_done=False)
            else:
                self._rotate(directory, options["algorithm"])
        except (KeyFilesError, OSError) as problem:
            raise CommandError(f"Nothing more was done: {problem}") from problem

    def _list(self, directory: Path) -> None:
        found = rotation.keys_in(directory)
        for file in found:
            since = f"{file.since:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{file.state:8} {file.key.algorithm:6} {file.key.kid}  since {since}")
        if not found:
            self.stdout.write(f"There is no key in {directory} yet.")

    def _rotate(self, directory: Path, algorithm: str | None) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with rotation.rotation_lock(directory):
            plan = self._plan(directory, algorithm)
            for step in plan.steps:
                rotation.carry_out(step)
        self._say(plan, is_done=True)

    def _plan(self, directory: Path, algorithm: str | None) -> rotation.Plan:
        return rotation.plan(
            directory,
            algorithm=algorithm,
            now=datetime.now(UTC),
            token_lifetime=settings.JWT_ACCESS_EXPIRY,
            heard_after=settings.JWKS_MAX_AGE,
        )

    def _say(self, plan: rotation.Plan, *, is_done: bool) -> None:
        for step in plan.steps:
            self.stdout.write(f"{step.verb:24} {step.kid}" if is_done or not step.pem else step.verb)
        if plan.fresh is not None:
            self.stderr.write(
                f"The key that signs now was published only {plan.fresh.total_seconds():.0f} seconds ago. A service that "
                f"keeps the key set for {settings.JWKS_MAX_AGE.total_seconds():.0f} seconds may not know it yet."
            )


def _directory(given: str | None) -> Path:
    if given:
        return Path(given)
    places = [Path(place) for place in settings.JWT_PRIVATE_KEYS]
    if len(places) == 1 and places[0].suffix != ".pem":
        return places[0]
    raise CommandError("Say where the keys are: --directory (JWT_PRIVATE_KEYS names no directory).")
