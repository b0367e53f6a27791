"""Install the peers from exact pins into an environment of their own, when the pins change."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from core.paths import BASE_DIR, var_dir

HERE = BASE_DIR / "benchmarks"
PEERS = HERE / "peers"


def bench_dir() -> Path:
    folder = var_dir() / "bench"
    folder.mkdir(exist_ok=True)
    return folder


def python() -> Path:
    """Return the interpreter of the peers' environment, which the first call creates."""
    folder, pins = bench_dir() / "venv", HERE / "requirements.txt"
    if not _is_current(folder, pins):
        print("Installing the peers (about half a minute, only when their versions change).", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "--requirement", pins], check=True)
        _mark_current(folder, pins)
    return folder / "bin" / "python"


def node() -> Path | None:
    """Return the folder of the installed Node peers, or None without Node or if their installation fails."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    folder, pins = bench_dir() / "node", PEERS / "node" / "package-lock.json"
    if not _is_current(folder, pins):
        print("Installing the peers of Node.", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PEERS / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
        if subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=False).returncode:  # noqa: S607 - npm is where Node is
            print("Their installation failed; the run continues without them.", flush=True)
            return None
        _mark_current(folder, pins)
    for program in (PEERS / "node").glob("*.mjs"):
        shutil.copy(program, folder)
    return folder


def _stamp(folder: Path, pins: Path) -> Path:
    return folder / f".installed-{hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:16]}"


def _is_current(folder: Path, pins: Path) -> bool:
    return _stamp(folder, pins).exists()


def _mark_current(folder: Path, pins: Path) -> None:
    _stamp(folder, pins).touch()
