"""The command lines of the processes that make up the service."""

import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

Command = Sequence[str]


# ASGI without its lifespan protocol, which only asynchronous applications need. The WSGI interface loses header bytes:
# docs/decisions/0001-web-server.md.
WEB_SERVER_OPTIONS = "--interface asginl --loop uvloop --http 1 --no-ws"
# Open connections of one process. Granian's default is 1024 divided by the number of processes: idle connections of a
# proxy would fill a process of sixteen with 64 of them, and the kernel still gives it its share of the new ones.
_MAX_CONNECTIONS = 1024
_GRANIAN_LOGS = Path(__file__).with_name("granian_logs.json")


def web(*, host: str, port: int, workers: int, kill_timeout: int) -> Command:
    """Granian; after `kill_timeout` seconds a stop no longer waits for requests that are under way."""
    server = _module(f"core.dev.web_server {WEB_SERVER_OPTIONS}")
    processes = f"--workers {workers} --backpressure {_MAX_CONNECTIONS} --respawn-failed-workers".split()
    size = [*processes, "--workers-kill-timeout", str(kill_timeout)]
    logs = ["--log-config", str(_GRANIAN_LOGS)] if settings.LOG_FORMAT == "json" else []
    return [*server, *logs, "--host", host, "--port", str(port), *size, "config.asgi:application"]


def worker(*, concurrency: int) -> Command:
    # One worker has nobody to gossip with, and looking for others costs a second at the start.
    alone = "--without-gossip --without-mingle --without-heartbeat"
    return _module(f"celery --quiet -A config.celery worker --loglevel info --concurrency {concurrency} {alone}")


def beat(*, folder: Path) -> Command:
    # No pid file: one left by a crash names a process that may be anybody's by now, and beat would refuse to start.
    schedule = ["--schedule", str(folder / "beat-schedule"), "--pidfile", ""]
    return [*_module("celery --quiet -A config.celery beat --loglevel warning"), *schedule]


def migrate() -> Command:
    return [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "1"]


def _module(arguments: str) -> list[str]:
    """`python -m …` rather than the script of that name, which holds the path that its folder had at installation."""
    return [sys.executable, "-m", *arguments.split()]
