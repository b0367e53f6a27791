"""The command lines of the service's processes: web, worker, beat and migrations."""

import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

Command = Sequence[str]


# `asginl` is ASGI without the lifespan protocol, which only asynchronous applications need. The WSGI interface loses
# header bytes: docs/decisions/0001-web-server.md.
WEB_SERVER_OPTIONS = "--interface asginl --loop uvloop --http 1 --no-ws"
# Open connections of one process. Granian's default is 1024 divided by the number of processes. With sixteen
# processes, 64 idle connections of a proxy would fill one, and the kernel would still assign new ones to it.
_MAX_CONNECTIONS = 1024
_GRANIAN_LOGS = Path(__file__).with_name("granian_logs.json")


def web(*, host: str, port: int, workers: int, kill_timeout: int) -> Command:
    """Return the command of granian, which stops waiting for running requests `kill_timeout` seconds after SIGTERM."""
    server = _module(f"core.web_server.granian_server {WEB_SERVER_OPTIONS}")
    processes = f"--workers {workers} --backpressure {_MAX_CONNECTIONS} --respawn-failed-workers".split()
    size = [*processes, "--workers-kill-timeout", str(kill_timeout)]
    logs = ["--log-config", str(_GRANIAN_LOGS)] if settings.LOG_FORMAT == "json" else []
    return [*server, *logs, "--host", host, "--port", str(port), *size, "config.asgi:application"]


def worker(*, concurrency: int) -> Command:
    # A single worker needs no gossip with others, and the search for them takes a second at start.
    single = "--without-gossip --without-mingle --without-heartbeat"
    return _module(f"celery --quiet -A config.celery worker --loglevel info --concurrency {concurrency} {single}")


def beat(*, folder: Path) -> Command:
    # No pid file: after a crash its process id may belong to another program, and beat would refuse to start.
    schedule = ["--schedule", str(folder / "beat-schedule"), "--pidfile", ""]
    return [*_module("celery --quiet -A config.celery beat --loglevel warning"), *schedule]


def migrate() -> Command:
    return [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "1"]


def _module(arguments: str) -> list[str]:
    """Return `python -m …`: an installed script contains the folder's path at the time of installation."""
    return [sys.executable, "-m", *arguments.split()]
