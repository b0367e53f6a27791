"""The limits of the components: bare servers, a bare hash, and a bare round trip to each store."""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import bcrypt
import psycopg
import redis

from benchmarks import cores, installed
from benchmarks.contender import BCRYPT_ROUNDS, PASSWORD, Command, Contender, Kind
from benchmarks.contenders.django_peers import served_by_granian
from benchmarks.load.plan import Request
from benchmarks.stores import Storage
from core.paths import BASE_DIR
from core.web_server import commands

BCRYPT_CPU = "bcrypt_by_processor_time"
_EXPECTED = '"success"'


def bare_servers(python: Path) -> list[Contender]:
    """Each returns the same small response, as its `me`."""
    raw = _bare(python, "raw_wsgi", "raw WSGI on granian's WSGI", "bare.raw:application")
    factory = ("--factory", "django.core.wsgi:get_wsgi_application")
    return [
        replace(raw, me=Request("GET", "/")),
        _bridged(),
        replace(_bare(python, "bare_django", "bare Django view", *factory), me=Request("GET", "/django/")),
        replace(_bare(python, "bare_drf", "bare DRF view", *factory), me=Request("GET", "/drf/")),
    ]


def _bare(python: Path, name: str, label: str, *application: str) -> Contender:
    return Contender(
        name=name,
        label=label,
        kind=Kind.LIMIT,
        command=lambda port, threads: served_by_granian(python, *application, port=port, threads=threads),
        folder=installed.PEERS,
        environment={"DJANGO_SETTINGS_MODULE": "bare.settings", "PYTHONPATH": str(installed.PEERS)},
        expected_me=_EXPECTED,
    )


def _bridged() -> Contender:
    """Return the limit of the product's server: the same empty application, served in the same way."""
    environment = {"PYTHONPATH": f"{installed.PEERS}:{BASE_DIR}"}
    return Contender(
        name="bridged_wsgi",
        label="raw WSGI on this service's server",
        kind=Kind.LIMIT,
        command=_bridged_command,
        folder=BASE_DIR,
        environment=environment,
        expected_me=_EXPECTED,
        me=Request("GET", "/"),
    )


def _bridged_command(port: int, threads: int) -> Command:
    bind_options = ["--host", "127.0.0.1", "--port", str(port)]
    server = [sys.executable, "-m", "granian", *commands.WEB_SERVER_OPTIONS.split(), "--workers", "1", *bind_options]
    return ["env", f"BRIDGE_THREADS={threads}", *server, "bare.bridged:application"]


def measure_components(storage: Storage, *, seconds: float) -> dict[str, float]:
    """Return how many hashes, PostgreSQL and Redis round trips one thread does per second on the server's core."""
    secret = PASSWORD.encode()
    hashed = bcrypt.hashpw(secret, bcrypt.gensalt(BCRYPT_ROUNDS))
    with (
        closing(psycopg.connect(storage.postgres_url, autocommit=True)) as postgres,
        closing(redis.Redis.from_url(storage.redis_url)) as client,
        cores.on_server_core(),
    ):
        return {
            "bcrypt": _rate(lambda: bcrypt.checkpw(secret, hashed), seconds),
            BCRYPT_CPU: _rate(lambda: bcrypt.checkpw(secret, hashed), seconds, clock=time.thread_time),
            "select_1": _rate(lambda: postgres.execute("SELECT 1").fetchone(), seconds),
            "redis_ping": _rate(client.ping, seconds),
        }


def _rate(call: Callable[[], object], seconds: float, clock: Callable[[], float] = time.perf_counter) -> float:
    count, started = 0, clock()
    while (passed := clock() - started) < seconds:
        call()
        count += 1
    return count / passed
