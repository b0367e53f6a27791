"""A copy of the project in its own folder, started like `make run`, as a reader of the documents has it."""

import json
import os
import shlex
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.dev import processes
from core.paths import BASE_DIR
from core.web_server import bind_address

HOST = "127.0.0.1"
_PARTS = ("manage.py", "config", "core", "accounts", "sessions_tracking", "templates", "locale", "docs", "docker")
_START_SECONDS = 40.0
_STOP_SECONDS = 10.0
# Variables of the test servers, which the clone must not inherit: it starts its own servers.
_TEST_VARIABLES = (
    "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "SECRET_KEY", "JWT_SECRET_KEY", "ENV_FILE",
)  # fmt: skip


@dataclass(frozen=True)
class Clone:
    """`environment` is the environment of a terminal in the folder, with `manage.py` and `python` on the PATH."""

    folder: Path
    port: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def make(folder: Path, name: str = "vestibule", **variables: str) -> Clone:
    """Copy the project. `variables` are added to its environment."""
    project, port = folder / name, bind_address.free_port(HOST)
    for part in _PARTS:
        _copy(BASE_DIR / part, project / part)
    environment = {name: value for name, value in os.environ.items() if name not in _TEST_VARIABLES}
    environment |= {"DEBUG": "on", "HOST": HOST, "PORT": str(port), "BCRYPT_ROUNDS": "4"} | variables
    environment["PATH"] = f"{_commands(folder, project)}{os.pathsep}{environment['PATH']}"
    return Clone(project, port, environment)


@contextmanager
def running(clone: Clone) -> Iterator[Clone]:
    log = clone.folder / "run_dev.log"
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "run_dev"]
        process = processes.start(command, cwd=clone.folder, env=clone.environment, stdout=output, stderr=output)
    try:
        processes.wait_until(lambda: _is_ready(clone), process, log=log, seconds=_START_SECONDS)
        yield clone
    finally:
        processes.stop(process, grace=_STOP_SECONDS)


def _is_ready(clone: Clone) -> bool:
    """Return whether the web process and the worker are ready."""
    if not bind_address.answers(HOST, clone.port, "/healthz"):
        return False
    with urllib.request.urlopen(f"{clone.url}/readyz", timeout=5) as response:  # noqa: S310 - a server of this test
        return bool(json.load(response)["status"] == "ok")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _commands(folder: Path, project: Path) -> Path:
    """Create the commands `manage.py` and `python` that the documents use, for the virtual environment of the tests."""
    programs = folder / "bin"
    programs.mkdir()
    for name, command in (("python", ""), ("manage.py", f" {shlex.quote(str(project / 'manage.py'))}")):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{command} "$@"\n')
        (programs / name).chmod(0o755)
    return programs
