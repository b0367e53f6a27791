"""Fills a database with people who do not exist."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import IntegrityError

from accounts.models import User
from accounts.seeding import passwords, seed
from accounts.seeding.users import Plan
from accounts.services.administration import administrators
from core.api.exceptions import ApiError
from core.management.documented_command import DocumentedCommand, format_error
from core.management.progress import Progress

_PASSWORD = "Password123"
_HELP = """\
Fills a database with people who do not exist, for development, demonstrations and load tests.

Names in many scripts, addresses at example.com, .org and .net, two years of arrivals, some administrators, some inactive,
the newest not all verified; sessions with real user agents from networks of documentation, in use and ended; and security
events of up to 20,000 of them. The same --seed makes the same rows, ids and times, counted from --at. All have one
password, which is printed. A million users with a session each take a few minutes on PostgreSQL.

It refuses a database that has users, unless with --append and a seed that is not there yet. Where DEBUG is off it wants a
--password and --yes as well: everybody who knows the password can sign in as any of them."""


class Command(DocumentedCommand):
    help = _HELP
    examples = (
        "--users 1000 --sessions 3 --admin me@example.com",
        "--users 1000000 --sessions 1 --seed 7 --append",
        "--users 50 --at 2026-01-31",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=_number(0, 100_000_000), default=100, metavar="N", help="how many (100)")
        parser.add_argument("--sessions", type=_number(0, 100), default=2, metavar="M", help="of each user (2)")
        parser.add_argument("--admin", metavar="EMAIL", help="an administrator besides, also of Django's admin")
        parser.add_argument("--seed", type=_number(1, 10**12), default=1, metavar="S", help="what all depends on (1)")
        parser.add_argument("--at", type=_day, metavar="DATE", help="the day that counts as today, such as 2026-01-31")
        parser.add_argument("--password", help=f"everybody's; {_PASSWORD} where DEBUG is on and none is given")
        parser.add_argument("--append", action="store_true", help="to a database that has users already")
        parser.add_argument("--yes", action="store_true", help="also where DEBUG is off")

    def handle(self, *args: Any, **options: Any) -> None:
        password = _password(options["password"], is_meant=options["yes"])
        if not options["append"] and User.objects.exists():
            raise CommandError("There are users here already. To add to them: --append, with a --seed of its own.")
        plan = Plan(
            users=options["users"],
            sessions=options["sessions"],
            seed=options["seed"],
            at=options["at"] or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
            password_hash=passwords.hash_of(password, seed=options["seed"]),
        )
        if seed.is_here(plan):
            raise CommandError(f"The people of seed {plan.seed} are here already: choose another --seed.")
        self._fill(plan)
        if options["admin"]:
            self._make_admin(options["admin"], password)
        self.stdout.write(f"Everybody's password: {password}")

    def _fill(self, plan: Plan) -> None:
        started = perf_counter()
        try:
            with Progress(self.stdout, total=plan.users) as progress:
                seed.fill(plan, report=progress.advance)
        except IntegrityError as error:
            raise CommandError("Somebody here has a name or an address of theirs: choose another --seed.") from error
        except KeyboardInterrupt as error:
            raise CommandError(
                "Stopped. Whoever was written stays; add to them by --append and another --seed."
            ) from error
        seconds = perf_counter() - started
        self.stdout.write(
            f"{plan.users:,} users, {plan.users * plan.sessions:,} sessions in {seconds:.1f} s (seed {plan.seed})."
        )

    def _make_admin(self, email: str, password: str) -> None:
        username = administrators.username_for(email)
        try:
            user = administrators.create(email=email, username=username, password=password, may_use_admin=True)
        except ApiError as error:
            raise CommandError(f"The administrator was not made: {format_error(error)}") from error
        self.stdout.write(f"Administrator: {user.email}, username {user.username}")


def _password(given: str | None, *, is_meant: bool) -> str:
    if settings.DEBUG:
        return given or _PASSWORD
    if not given or not is_meant:
        raise CommandError("DEBUG is off: give a --password, and --yes to say that made-up people belong here.")
    return given


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"must be a whole number from {least} to {most:,}, not {text!r}")
        return int(text)

    return read


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"must be a day such as 2026-01-31, not {text!r}") from None
