"""Re-encrypts the secrets of authenticator apps with the newest key of MFA_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import CommandError

from accounts.mfa.flows import key_rotation
from core.management.documented_command import DocumentedCommand

_HELP = """\
Re-encrypts the secrets of authenticator apps with the first key of MFA_ENCRYPTION_KEYS.

To rotate the key: put a new key before the old one, restart, run this command, and remove the old key. It is safe to run
again: secrets that already use the first key are left as they are. Exit code 1 means that some secrets cannot be decrypted
with any of the keys; all others have been re-encrypted."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("",)

    def handle(self, *args: Any, **options: Any) -> None:
        done = key_rotation.reencrypt()
        self.stdout.write(f"{done.rewritten} re-encrypted, {done.current} already used the newest key.")
        if done.unreadable:
            raise CommandError(
                f"{done.unreadable} cannot be decrypted with any of the keys. Add the key that encrypted them back to "
                "MFA_ENCRYPTION_KEYS."
            )
