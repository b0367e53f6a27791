"""Makes an administrator, or makes somebody one."""

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
from core.management.documented_command import TaughtCommand, said

_HELP = """\
Makes an administrator: of the API (role ADMIN) and of Django's admin, with all rights there, and with a verified address.

It asks for the password, twice; a script gives it on standard input (--password-stdin, the first line). The password rules
are those of everybody. With --promote, somebody who is here already becomes one, with the password that they have, and
with their next request. Their email must be verified, unless --trust-email says that you know who registered it. What was done
is in the audit, without anybody as its author."""


class Command(TaughtCommand):
    help = _HELP
    examples = (
        "ada@example.com ada",
        "ada@example.com ada --api-only --password-stdin < password.txt",
        "ada@example.com --promote",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("username", metavar="USERNAME", nargs="?", help="3 to 30 of letters, digits, - and _")
        parser.add_argument("--promote", action="store_true", help="who has this address becomes an administrator")
        parser.add_argument("--trust-email", action="store_true", help="promote although the email is not verified")
        parser.add_argument("--api-only", action="store_true", help="no rights in Django's admin")
        parser.add_argument("--password-stdin", action="store_true", help="read it there instead of asking")

    def handle(self, *args: Any, **options: Any) -> None:
        email, username, may_use_admin = options["email"], options["username"], not options["api_only"]
        if options["promote"] == bool(username):
            raise CommandError("Give a USERNAME for somebody new, or --promote for somebody who is here.", returncode=2)
        try:
            if options["promote"]:
                user = administrators.promote(
                    email=email, may_use_admin=may_use_admin, trust_email=options["trust_email"]
                )
            else:
                password = _from_stdin() if options["password_stdin"] else _asked_for()
                user = administrators.create(
                    email=email, username=username, password=password, may_use_admin=may_use_admin
                )
        except EmailTaken as error:
            raise CommandError(f"{said(error)} To make them an administrator: --promote.") from error
        except ApiError as error:
            raise CommandError(said(error)) from error
        self._say(user)

    def _say(self, user: User) -> None:
        where = "the API and Django's admin" if user.is_staff else "the API"
        self.stdout.write(f"{user.username} ({user.email}) is an administrator of {where}.")
        if not user.has_usable_password():
            self.stderr.write("They have no password yet: they can set one by “forgot password”.")
        if settings.REQUIRE_ADMIN_MFA and not user.mfa_enabled:
            self.stderr.write("REQUIRE_ADMIN_MFA is on: before they may do anything, they have to add a second factor.")


def _asked_for() -> str:
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask at: give the password by --password-stdin.")
    try:
        password = getpass.getpass("Password: ")
        repeated = getpass.getpass("Once more: ")
    except (KeyboardInterrupt, EOFError) as error:
        raise CommandError("No password was given, and nothing was done.") from error
    if password != repeated:
        raise CommandError("The two are not the same. Nothing was done.")
    return password


def _from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")
