"""The results on paper: JSON with every figure, a table of medians with their ratios, and a chart."""

import json
import os
import platform
import shutil
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import chart, cores, figures, installed
from benchmarks.contender import BCRYPT_ROUNDS
from benchmarks.figures import Figures
from benchmarks.load import wrk
from benchmarks.load.plan import CONNECTIONS
from benchmarks.measure import Length, Result, Run
from benchmarks.stores import Stores
from benchmarks.works import WORKS

_REPORTED = ("Django", "djangorestframework", "djangorestframework_simplejwt", "granian", "psycopg", "bcrypt")


def versions(stores: Stores) -> dict[str, str]:
    """Of what took part. Those of the peers are in benchmarks/requirements.txt, and in the lock file of the Node peers."""
    found = {"Python": platform.python_version()} | stores.versions() | {name: version(name) for name in _REPORTED}
    pins = (installed.HERE / "requirements.txt").read_text().splitlines()
    peers = dict(line.split("==") for line in pins[1:] if "==" in line)
    names = ("djoser", "dj-rest-auth", "django-rest-knox", "django-allauth[headless]")
    found |= {name.split("[")[0]: peers[name] for name in names}
    if shutil.which("node"):
        output = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S607
        found["Node"] = output.strip().lstrip("v")
    return found


def write(run: Run, *, length: Length, versions: dict[str, str], folder: Path) -> None:
    circumstances = _circumstances(length)
    body = {"versions": versions, "circumstances": circumstances} | _as_json(run)
    (folder / "results.json").write_text(json.dumps(body, indent=2) + "\n")
    found = Figures(run)
    caption = f"{circumstances['measured_at'][:10]}; requests a second on one core, medians of {length.rounds} rounds"
    (folder / "chart.svg").write_text(chart.drawn(found.panels(), caption=caption))
    (folder / "results.md").write_text(_markdown(found, circumstances, versions))
    print(f"\n{(folder / 'results.md').read_text()}\nWritten to {folder}.")


def _circumstances(length: Length) -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "cores": cores.described(),
        "load_of_others_at_the_end": [round(load, 1) for load in os.getloadavg()],
        "client": "wrk" if wrk.is_here() else "the benchmark's own",
        "connections": CONNECTIONS,
        "bcrypt_rounds": BCRYPT_ROUNDS,
        "rounds": length.rounds,
        "seconds": length.seconds,
        "threads_tried": list(length.threads),
    }


def _as_json(run: Run) -> dict[str, Any]:
    return {
        "contenders": {result.contender.name: _result(result) for result in run.results},
        "questions": {name: figures.spread(rates) for name, rates in run.questions.items()},
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "label": result.contender.label,
        "kind": result.contender.kind,
        "threads": dict(result.threads),
        "memory_mib": round(result.memory_mib, 1),
        "access_token_dies_at_once": result.dies_at_once,
        "costs": {name: asdict(cost) for name, cost in result.costs.items()},
        "rates": {name: figures.spread([one.rate for one in samples]) for name, samples in result.samples.items()},
        "cpu_us": {name: figures.spread([one.cpu_us for one in samples]) for name, samples in result.samples.items()},
        "p99_ms": {name: figures.spread([one.p99_ms for one in samples]) for name, samples in result.samples.items()},
    }


def _markdown(found: Figures, circumstances: dict[str, Any], versions: dict[str, str]) -> str:
    parts = [
        _told(circumstances),
        ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
        "![Requests a second](chart.svg)",
        *(found.table(work) for work in WORKS if found.has(work.name)),
        found.table_of_properties(),
        found.table_of_limits(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _told(circumstances: dict[str, Any]) -> str:
    sentences = (
        "Measured {measured_at} on {machine}: {cores}.",
        "{rounds} rounds of {seconds:g} s in turns, {connections} connections, load from {client}.",
        "bcrypt with {bcrypt_rounds} rounds.",
        "Medians, with the least and the most.",
    )
    return " ".join(sentences).format_map(circumstances)
