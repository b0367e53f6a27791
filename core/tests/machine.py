"""A machine as in docs/deployment.md, in a folder: releases, `current`, two web processes and the commands that start them.

There is no systemd in the tests. Its stand-in restarts real processes from `current`, as the units do. A release is a small
program with the commands of manage.py, so that a test can make each of them fail.
"""

import http.client
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.paths import BASE_DIR
from core.web_server import bind_address

_MANAGE = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

folder = Path(__file__).resolve().parent
command = sys.argv[1]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path != "/readyz" or not (folder / "not-ready").exists()
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write((folder / "version").read_bytes())

    def log_message(self, *_):
        pass

if (folder / f"fail-{command}").exists():
    sys.exit(f"{command} failed")
if command == "serve":
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
_VESTIBULE_MANAGE = """#!/bin/sh
set -eu
cd "${RELEASE:-ROOT/current}"
exec .venv/bin/python manage.py "$@"
"""
_SYSTEMCTL = """#!/bin/sh
set -eu
[ "$1" = restart ] || exit 0
shift
for unit; do
    case $unit in vestibule-web@*) port=${unit#*@} ;; *) continue ;; esac
    pid=$(cat "ROOT/$port.pid" 2>/dev/null || true)
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    cd "$(readlink -e ROOT/current)"
    PORT=$port .venv/bin/python manage.py serve >"ROOT/$port.log" 2>&1 </dev/null 9>&- &
    echo $! >"ROOT/$port.pid"
done
"""


@dataclass(frozen=True)
class Machine:
    root: Path
    repository: Path
    ports: tuple[int, int]

    def release(self, version: str, *marks: str, requirements: str = "") -> None:
        """Commit a release from the working tree; `marks` are files that make a command fail."""
        for part in ("config", "core", "accounts", "sessions_tracking", "requirements", "docker/debian"):
            (self.repository / part).mkdir(parents=True, exist_ok=True)
            (self.repository / part / "__init__.py").touch()
        (self.repository / "manage.py").write_text(_MANAGE)
        (self.repository / "version").write_text(version)
        (self.repository / "requirements" / "production.txt").write_text(requirements)
        (self.repository / "docker" / "debian" / "vestibule-web@.service").write_text(f"# {version}\n")
        for mark in marks:
            (self.repository / mark).touch()
        self._git("add", "--all")
        self._git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", version)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.repository, *arguments], check=True, capture_output=True)

    def upgrade(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the upgrade script with only the variables by which this machine differs from a real one."""
        own = {
            "PATH": f"{self.root / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "VESTIBULE_ROOT": str(self.root),
            "VESTIBULE_UNITS": str(self.root / "units"),
            "WEB_PORTS": " ".join(map(str, self.ports)),
            "READY_SECONDS": "10",
        }
        command: list[str | Path] = ["bash", BASE_DIR / "docker" / "debian" / "upgrade.sh", *arguments]
        return subprocess.run(command, env=own | variables, cwd="/", capture_output=True, text=True, check=False)

    def versions(self) -> list[str | None]:
        """Return the version that each web process serves, or None for a process that does not respond."""
        return [_version(port) for port in self.ports]

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.root / "releases").iterdir())

    def current(self) -> str:
        return (self.root / "current").resolve().name

    def stop(self) -> None:
        for port in self.ports:
            with suppress(OSError, ValueError):
                os.kill(int((self.root / f"{port}.pid").read_text()), signal.SIGTERM)


def _version(port: int) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except OSError:
        return None
    finally:
        connection.close()


def make(folder: Path) -> Machine:
    """Return a machine that runs the release `first`."""
    machine = Machine(folder / "opt", folder / "repository", (bind_address.free_port(), bind_address.free_port()))
    for place in (machine.root / "bin", machine.root / "releases", machine.root / "units", machine.repository):
        place.mkdir(parents=True)
    for name, text in (("vestibule-manage", _VESTIBULE_MANAGE), ("systemctl", _SYSTEMCTL)):
        (machine.root / "bin" / name).write_text(text.replace("ROOT", str(machine.root)))
        (machine.root / "bin" / name).chmod(0o755)
    (machine.root / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    subprocess.run(["git", "init", "--quiet", machine.repository], check=True, capture_output=True)
    machine.release("first")
    _install_first(machine)
    return machine


def _install_first(machine: Machine) -> None:
    first = machine.root / "releases" / "first"
    subprocess.run(["git", "clone", "--quiet", machine.repository, first], check=True)
    subprocess.run([machine.root / "bin" / "python3", "-m", "venv", "--without-pip", first / ".venv"], check=True)
    (machine.root / "current").symlink_to(first)
    shutil.copy(first / "docker" / "debian" / "vestibule-web@.service", machine.root / "units")
    units = [f"vestibule-web@{port}" for port in machine.ports]
    subprocess.run([machine.root / "bin" / "systemctl", "restart", *units], check=True)
