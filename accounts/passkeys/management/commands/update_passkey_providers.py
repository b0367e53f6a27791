"""Replaces the list of passkey providers, which is part of the source code."""

import argparse
import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.passkeys import providers
from core.management.documented_command import DocumentedCommand

SOURCE = "https://github.com/passkeydeveloper/passkey-authenticator-aaguids"
_HELP = f"""\
Replaces accounts/passkeys/data/providers.json, which names the providers of passkeys.

Takes aaguid.json of {SOURCE} and keeps ids and names.
The list is part of the source code: run this in a clone, and commit the file."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("aaguid.json",)
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            entries = json.loads(file.read_text("utf-8"))
            names = {str(uuid.UUID(aaguid)): str(entry["name"]).strip() for aaguid, entry in entries.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise CommandError(f"{file} is not aaguid.json, which maps AAGUIDs to objects with a name.") from None
        if not names:  # the project announces to end so
            raise CommandError("The list is empty: its source may have been retired. The old list is kept.")
        content = {"source": SOURCE, "date": date.today().isoformat(), "providers": dict(sorted(names.items()))}  # noqa: DTZ011
        providers.LIST.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
        self.stdout.write(f"{len(names)} providers.")
