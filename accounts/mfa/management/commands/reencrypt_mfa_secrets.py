"""Re-encrypts the secrets of authenticator apps with the newest key of MFA_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import CommandError

from accounts.mfa.flows import key_rotation
from core.management.documented_command import TaughtCommand

_HELP = """\
Re-encrypts the secrets of authenticator apps with the first key of MFA_ENCRYPTION_KEYS.

To rotate: put a new key first and keep the old one behind it, restart, run this, and then take the old one away. It may be
run again at any time; what is under the first key already stays as it is. Exit code 1 says that some secrets can be read
with none of the keys: the others are re-encrypted all the same."""


class Command(TaughtCommand):
    help = _HELP
    examples = ("",)

    def handle(self, *args: Any, **options: Any) -> None:
        done = key_rotation.reencrypt()
        self.stdout.write(f"{done.rewritten} re-encrypted, {done.current} were under the newest key already.")
        if done.unreadable:
            raise CommandError(
                f"{done.unreadable} can be read with none of the keys: give the key back that made them."
            )
