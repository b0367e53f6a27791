"""Debian's PgBouncer in transaction mode in front of a test PostgreSQL: each transaction may use another connection."""

import os
import pwd
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from core.dev import processes
from core.web_server import bind_address

_HOST = "127.0.0.1"
_SECONDS = 10.0
_UNPRIVILEGED_UID = 65_534  # PgBouncer refuses to run as root
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user} password={password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 6
max_client_conn = 200
query_wait_timeout = 20
logfile = {folder}/pgbouncer.log
"""


def program() -> str:
    path = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        pytest.fail("PgBouncer is not installed; these tests need it: apt-get install pgbouncer")
    return path


@contextmanager
def in_front_of(url: str, folder: Path) -> Iterator[str]:
    """Start PgBouncer in front of the server. Yield the URL of its databases behind PgBouncer."""
    server, listen = urlsplit(url), bind_address.free_port(_HOST)
    names = {"host": server.hostname, "port": server.port, "user": server.username, "password": server.password}
    file = folder / "pgbouncer.ini"
    file.touch(mode=0o600)
    file.write_text(_CONFIGURATION.format(**names, listen=listen, folder=folder))
    log = folder / "start.log"
    with log.open("wb") as output:
        command: list[str | Path] = [program(), file]
        process = processes.start(command, stdout=output, stderr=output, **_identity(folder, file))
    try:
        processes.wait_until(lambda: _accepts_connections(listen), process, log=log, seconds=_SECONDS)
        yield urlunsplit(server._replace(netloc=f"{server.username}@{_HOST}:{listen}"))
    finally:
        processes.stop(process, grace=_SECONDS)


def _identity(*paths: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwuid(_UNPRIVILEGED_UID)
    for path in paths:
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _accepts_connections(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
        return True
    return False
