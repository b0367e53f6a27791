"""Makes a client for a service that asks about tokens."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.services import service_clients
from core.management.documented_command import TaughtCommand

_HELP = """\
Makes the client id and secret by which a service of yours calls /introspect and /revoke.

The secret is shown this once, on standard output; only a hash of it is kept. Each service gets its own, so that one can be
deactivated (in the admin, under Service clients) without the others."""


class Command(TaughtCommand):
    help = _HELP
    examples = ("billing", '"the shop" > client.txt')

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="what people call the service")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client, secret = service_clients.create(name=options["name"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"client_id:     {client.id}")
        self.stdout.write(f"client_secret: {secret}")
        self.stderr.write("Keep the secret now: it is stored as a hash, and nobody can show it again.")
