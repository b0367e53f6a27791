"""Creates and rotates the keys that sign access tokens."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.tokens.keys import rotation
from accounts.tokens.keys.files import KeyFilesError
from accounts.tokens.keys.key import ALGORITHMS
from core.management.documented_command import DocumentedCommand

_HELP = """\
Creates and rotates the keys that sign access tokens.

The first run creates an active key and the next key. Each later run activates the next key, retires the active key and
creates a new next key; it also removes retired keys that no valid token was signed with. The published key set has all of
them, so other services know a key before it signs, and tokens of a retired key stay valid: no user is signed out. Running
processes load the new keys within seconds. A key's state is part of its file name, such as
2026-11-21T09-30-00Z-<kid>.active.pem. Several machines may share the directory, or have copies of it.

If a key is compromised, run this command and delete the key's file: its tokens are rejected within seconds, and clients
refresh."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("--directory /etc/vestibule/keys", "--list", "--algorithm ES256 --dry-run")
    requires_system_checks: list[str] = []  # the command must run before any key exists

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--directory", help="directory of the keys (default: the one in JWT_PRIVATE_KEYS)")
        algorithm_help = "algorithm of new keys (default: that of the active key, or EdDSA)"
        parser.add_argument("--algorithm", choices=ALGORITHMS, help=algorithm_help)
        parser.add_argument("--dry-run", action="store_true", help="print what would be done, without doing it")
        parser.add_argument("--list", action="store_true", help="list the keys, newest last")

    def handle(self, *args: Any, **options: Any) -> None:
        directory = _directory(options["directory"])
        try:
            if options["list"]:
                self._list(directory)
            elif options["dry_run"]:
                self._print(self._plan(directory, options["algorithm"]), is_done=False)
            else:
                self._rotate(directory, options["algorithm"])
        except (KeyFilesError, OSError) as error:
            raise CommandError(f"The rotation stopped: {error}") from error

    def _list(self, directory: Path) -> None:
        keys = rotation.read_directory(directory)
        for file in keys:
            since = f"{file.since:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{file.state:8} {file.key.algorithm:6} {file.key.kid}  since {since}")
        if not keys:
            self.stdout.write(f"There are no keys in {directory}.")

    def _rotate(self, directory: Path, algorithm: str | None) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with rotation.rotation_lock(directory):
            plan = self._plan(directory, algorithm)
            for step in plan.steps:
                rotation.apply(step)
        self._print(plan, is_done=True)

    def _plan(self, directory: Path, algorithm: str | None) -> rotation.Plan:
        return rotation.plan(
            directory,
            algorithm=algorithm,
            now=datetime.now(UTC),
            token_lifetime=settings.JWT_ACCESS_EXPIRY,
            min_publication=settings.JWKS_MAX_AGE,
        )

    def _print(self, plan: rotation.Plan, *, is_done: bool) -> None:
        for step in plan.steps:
            self.stdout.write(f"{step.verb:24} {step.kid}" if is_done or not step.pem else step.verb)
        if plan.published_for is not None:
            self.stderr.write(
                f"The key that signs now was published only {plan.published_for.total_seconds():.0f} seconds ago. A service that "
                f"caches the key set for {settings.JWKS_MAX_AGE.total_seconds():.0f} seconds may not know it yet."
            )


def _directory(option: str | None) -> Path:
    if option:
        return Path(option)
    paths = [Path(path) for path in settings.JWT_PRIVATE_KEYS]
    if len(paths) == 1 and paths[0].suffix != ".pem":
        return paths[0]
    raise CommandError("Give a --directory: JWT_PRIVATE_KEYS does not name one.")
