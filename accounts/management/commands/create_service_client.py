"""Creates a client for a service that calls /introspect and /revoke."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.services import service_clients
from core.management.documented_command import DocumentedCommand

_HELP = """\
Creates the client ID and secret with which another service calls /introspect and /revoke.

The secret is shown only once, on standard output; the database has only a hash of it. Give each service a client of its
own: each one can then be deactivated alone, in the admin under Service clients."""


class Command(DocumentedCommand):
    help = _HELP
    examples = ("billing", '"the shop" > client.txt')

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name of the service")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            client, secret = service_clients.create(name=options["name"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"client_id:     {client.id}")
        self.stdout.write(f"client_secret: {secret}")
        self.stderr.write("Save the secret now. It cannot be shown again.")
