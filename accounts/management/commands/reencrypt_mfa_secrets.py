"""Re-encrypts the secrets of authenticator apps with the newest key of MFA_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.mfa import key_rotation


class Command(BaseCommand):
    help = (
        "Re-encrypts the secrets of authenticator apps with the first key of MFA_ENCRYPTION_KEYS. To rotate: put a new key "
        "first and keep the old one behind it, restart, run this, and then take the old one away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = key_rotation.reencrypt()
        self.stdout.write(f"{done.rewritten} re-encrypted, {done.current} were under the newest key already.")
        if done.unreadable:
            raise CommandError(
                f"{done.unreadable} can be read with none of the keys: give the key back that made them."
            )
