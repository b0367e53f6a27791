"""`manage.py serve` starts the web processes of production; `make serve` calls it."""

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from core.cpus import available_cpus
from core.environment import env
from core.metrics import multiprocess
from core.web_server import bind_address, commands

_KILL_TIMEOUT_SECONDS = 20
# glibc gives each thread its own malloc arena. The service has many threads, of which one runs at a time.
_ARENAS = "2"


class Command(BaseCommand):
    help = "Migrate, then become the web server at HOST:PORT with WEB_WORKERS processes, each at WEB_THREADS requests at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-migrate",
            action="store_true",
            help="start without migrating: `manage.py migrate` has run already, or runs elsewhere",
        )

    def handle(self, *, no_migrate: bool, **_options: Any) -> None:
        port = env.integer("PORT", 8000, minimum=1, maximum=65_535)
        command = commands.web(
            host=env.parsed(
                "HOST", "127.0.0.1", bind_address.local_host, "an address of this machine, or 0.0.0.0 for all"
            ),
            port=port,
            workers=env.integer("WEB_WORKERS", available_cpus(), minimum=1, maximum=512),
            kill_timeout=_KILL_TIMEOUT_SECONDS,
        )
        folder = multiprocess.prepare_dir(port=port)
        if multiprocess.named_dir_is_unusable():
            raise env.BadVariable(multiprocess.VARIABLE, "names a folder that cannot be created or written")
        if not no_migrate:
            call_command("migrate", interactive=False, verbosity=1)
        os.environ |= folder
        os.environ.setdefault("MALLOC_ARENA_MAX", _ARENAS)
        os.execv(command[0], list(command))  # so that signals reach the server
