"""Fills a database with fictitious users."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import IntegrityError

from accounts.models import User
from accounts.seeding import seed
from accounts.seeding.users import Plan, hash_password
from accounts.services.administration import administrators
from core.api.exceptions import ApiError
from core.management.documented_command import DocumentedCommand, format_error
from core.management.progress import Progress

_PASSWORD = "Password123"
_HELP = """\
Fills a database with fictitious users, for development, demonstrations and load tests.

Users have names in many scripts and emails at example.com, .org and .net. They signed up over two years; some are
administrators, some are deactivated, and some of the newest are not verified. Sessions have real user agents and IP
addresses reserved for documentation; up to 20,000 of them have audit events. The same --seed generates the same rows, ids
and times, relative to --at. All users have the same password, which is printed. A million users with one session each
take a few minutes on PostgreSQL.

The command refuses a database that has users, unless you give --append and a new --seed. If DEBUG is off, it also requires
--password and --yes: anyone who knows the password can sign in as any of these users."""


class Command(DocumentedCommand):
    help = _HELP
    examples = (
        "--users 1000 --sessions 3 --admin me@example.com",
        "--users 1000000 --sessions 1 --seed 7 --append",
        "--users 50 --at 2026-01-31",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=_integer(0, 100_000_000), default=100, metavar="N", help="users (100)")
        parser.add_argument("--sessions", type=_integer(0, 100), default=2, metavar="M", help="sessions per user (2)")
        parser.add_argument("--admin", metavar="EMAIL", help="also create an administrator of the API and the admin")
        parser.add_argument("--seed", type=_integer(1, 10**12), default=1, metavar="S", help="seed of all values (1)")
        parser.add_argument("--at", type=_date, metavar="DATE", help="date to use as today, such as 2026-01-31")
        parser.add_argument("--password", help=f"password of all users (default if DEBUG is on: {_PASSWORD})")
        parser.add_argument("--append", action="store_true", help="add to a database that has users")
        parser.add_argument("--yes", action="store_true", help="confirm that DEBUG is off on purpose")

    def handle(self, *args: Any, **options: Any) -> None:
        password = _password(options["password"], is_confirmed=options["yes"])
        if not options["append"] and User.objects.exists():
            raise CommandError("The database has users already. To add to them, use --append and a new --seed.")
        plan = Plan(
            users=options["users"],
            sessions=options["sessions"],
            seed=options["seed"],
            at=options["at"] or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
            password_hash=hash_password(password, seed=options["seed"]),
        )
        if seed.already_seeded(plan):
            raise CommandError(f"The database has the users of seed {plan.seed} already: choose another --seed.")
        self._fill(plan)
        if options["admin"]:
            self._create_admin(options["admin"], password)
        self.stdout.write(f"Password of all users: {password}")

    def _fill(self, plan: Plan) -> None:
        started = perf_counter()
        try:
            with Progress(self.stdout, total=plan.users) as progress:
                seed.fill(plan, report=progress.advance)
        except IntegrityError as error:
            raise CommandError("An existing user has the same username or email: choose another --seed.") from error
        except KeyboardInterrupt as error:
            raise CommandError(
                "Stopped. The users written so far stay; use --append and another --seed to add more."
            ) from error
        seconds = perf_counter() - started
        self.stdout.write(
            f"{plan.users:,} users, {plan.users * plan.sessions:,} sessions in {seconds:.1f} s (seed {plan.seed})."
        )

    def _create_admin(self, email: str, password: str) -> None:
        username = administrators.username_for(email)
        try:
            user = administrators.create(email=email, username=username, password=password, may_use_admin=True)
        except ApiError as error:
            raise CommandError(f"The administrator was not created: {format_error(error)}") from error
        self.stdout.write(f"Administrator: {user.email}, username {user.username}")


def _password(option: str | None, *, is_confirmed: bool) -> str:
    if settings.DEBUG:
        return option or _PASSWORD
    if not option or not is_confirmed:
        raise CommandError("DEBUG is off: give a --password, and --yes to confirm that you want fictitious users here.")
    return option


def _integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not minimum <= int(text) <= maximum:
            raise ArgumentTypeError(f"must be a whole number from {minimum} to {maximum:,}, not {text!r}")
        return int(text)

    return parse


def _date(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"must be a date such as 2026-01-31, not {text!r}") from None
