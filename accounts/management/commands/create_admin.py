"""Creates an administrator, or promotes a user to one."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.exceptions import EmailTaken
from accounts.models import User
from accounts.services.administration import administrators
from core.api.exceptions import ApiError
from core.management.documented_command import DocumentedCommand, format_error

_HELP = """\
Creates an administrator of the API (role ADMIN) and of the Django admin (superuser), with a verified email.

The command prompts for the password twice. Scripts pass it on standard input (--password-stdin, first line). The usual
password rules apply. With --promote, an existing user becomes an administrator from their next request, and keeps their
password. Their email must be verified, unless --trust-email says that you know who registered it. The audit records the
change without an actor."""


class Command(DocumentedCommand):
    help = _HELP
    examples = (
        "ada@example.com ada",
        "ada@example.com ada --api-only --password-stdin < password.txt",
        "ada@example.com --promote",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("username", metavar="USERNAME", nargs="?", help="3 to 30 letters, digits, - and _")
        parser.add_argument("--promote", action="store_true", help="promote the user who has this email")
        parser.add_argument("--trust-email", action="store_true", help="promote even if the email is not verified")
        parser.add_argument("--api-only", action="store_true", help="grant no access to the Django admin")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from stdin")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["promote"] == bool(options["username"]):
            raise CommandError(
                "Give a USERNAME to create a user, or --promote to promote an existing one.", returncode=2
            )
        try:
            user = self._promote(options) if options["promote"] else self._create(options)
        except EmailTaken as error:
            raise CommandError(f"{format_error(error)} Use --promote to make this user an administrator.") from error
        except ApiError as error:
            raise CommandError(format_error(error)) from error
        self._print(user)

    def _create(self, options: dict[str, Any]) -> User:
        return administrators.create(
            email=options["email"],
            username=options["username"],
            password=_read_password() if options["password_stdin"] else _prompt_password(),
            may_use_admin=not options["api_only"],
        )

    def _promote(self, options: dict[str, Any]) -> User:
        return administrators.promote(
            email=options["email"], may_use_admin=not options["api_only"], trust_email=options["trust_email"]
        )

    def _print(self, user: User) -> None:
        scope = "the API and the Django admin" if user.is_staff else "the API"
        self.stdout.write(f"{user.username} ({user.email}) is an administrator of {scope}.")
        if not user.has_usable_password():
            self.stderr.write("The user has no password yet, and can set one through “forgot password”.")
        if settings.REQUIRE_ADMIN_MFA and not user.mfa_enabled:
            self.stderr.write(
                "REQUIRE_ADMIN_MFA is on: the user must set up two-factor authentication before they can administer."
            )


def _prompt_password() -> str:
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to prompt for the password. Pass it with --password-stdin.")
    try:
        password = getpass.getpass("Password: ")
        repeated = getpass.getpass("Password (again): ")
    except (KeyboardInterrupt, EOFError) as error:
        raise CommandError("No password was given. Nothing was changed.") from error
    if password != repeated:
        raise CommandError("The passwords do not match. Nothing was changed.")
    return password


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")
