"""`manage.py run_dev` runs all servers and processes of development in one terminal; `make run` calls it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from core import paths
from core.dev import redis_server
from core.dev.console import Console
from core.dev.supervisor import ChildEnded, StopRequested, Supervisor
from core.environment import env
from core.metrics import multiprocess
from core.web_server import bind_address, commands
from core.web_server.bind_address import StartupError

_KILL_TIMEOUT_SECONDS = 3


class Command(BaseCommand):
    help = "Start Redis (unless REDIS_URL names one), migrate, and run web, worker and beat until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--parent", type=int, metavar="PID", help="stop when this parent process exits")

    def handle(self, *, parent: int | None, **_options: Any) -> None:
        host, port = env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, minimum=1, maximum=65_535)
        console = Console()
        try:
            bind_address.check_is_free(host, port)
            environment = {"HOST": host, "PORT": str(port)} | multiprocess.prepare_dir(port=port)
            with Supervisor(console, folder=paths.BASE_DIR, environment=environment, parent=parent) as supervisor:
                _run(supervisor, console, host, port)
        except StartupError as error:
            raise SystemExit(f"{error}") from None
        except ChildEnded:
            raise SystemExit(1) from None
        except StopRequested:
            console.say("Everything has stopped.")


def _run(supervisor: Supervisor, console: Console, host: str, port: int) -> None:
    if not env.is_set("REDIS_URL"):
        supervisor.adopt("redis", redis_server.start_for_development().process)
    supervisor.run_to_end("migrate", commands.migrate())
    supervisor.start("worker", commands.worker(concurrency=2), restarts=True)
    supervisor.start("beat", commands.beat(folder=paths.var_dir()), restarts=True)
    web = commands.web(host=host, port=port, workers=1, kill_timeout=_KILL_TIMEOUT_SECONDS)
    supervisor.start("web", web)
    banner = _banner(bind_address.url(host, port))
    supervisor.when(lambda: bind_address.answers(host, port, "/healthz"), lambda: console.say(banner))
    supervisor.run_until_stopped()


def _banner(url: str) -> str:
    lines = ["", f"Vestibule runs at {url}", "", f"  API      {url}/api/auth", f"  Docs     {url}/api/docs"]
    if settings.DEBUG:
        lines.append(f"  Mailbox  {url}/dev/mailbox")
    lines += [f"  Admin    {url}/admin/", f"  Data     {paths.var_dir()}", "", "Ctrl-C stops everything.", ""]
    return "\n".join(lines)
