"""The results: JSON with every measurement, tables of medians with their ratios, and a chart."""

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

from benchmarks import chart, cores, installed, result_tables
from benchmarks.contender import BCRYPT_ROUNDS
from benchmarks.load import wrk
from benchmarks.load.plan import CONNECTIONS
from benchmarks.measure import Length, Result, Run
from benchmarks.result_tables import ResultTables
from benchmarks.stores import Stores
from benchmarks.works import WORKS

_REPORTED = ("Django", "djangorestframework", "djangorestframework_simplejwt", "granian", "psycopg", "bcrypt")


def versions(stores: Stores) -> dict[str, str]:
    """Return the versions of all components.

    Those of the peers are in benchmarks/requirements.txt and in the lock file of the Node peers.
    """
    components = {"Python": platform.python_version()} | stores.versions() | {name: version(name) for name in _REPORTED}
    pins = (installed.HERE / "requirements.txt").read_text().splitlines()
    peers = dict(line.split("==") for line in pins[1:] if "==" in line)
    names = ("djoser", "dj-rest-auth", "django-rest-knox", "django-allauth[headless]")
    components |= {name.split("[")[0]: peers[name] for name in names}
    if shutil.which("node"):
        output = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S607
        components["Node"] = output.strip().lstrip("v")
    return components


def write(run: Run, *, length: Length, versions: dict[str, str], folder: Path) -> None:
    circumstances = _circumstances(length)
    body = {"versions": versions, "circumstances": circumstances} | _as_json(run)
    (folder / "results.json").write_text(json.dumps(body, indent=2) + "\n")
    tables = ResultTables(run)
    caption = f"{circumstances['measured_at'][:10]}; requests per second on one core, medians of {length.rounds} rounds"
    (folder / "chart.svg").write_text(chart.draw(tables.panels(), caption=caption))
    (folder / "results.md").write_text(_markdown(tables, circumstances, versions))
    print(f"\n{(folder / 'results.md').read_text()}\nWritten to {folder}.")


def _circumstances(length: Length) -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "cores": cores.describe(),
        "load_of_others_at_the_end": [round(load, 1) for load in os.getloadavg()],
        "client": "wrk" if wrk.is_installed() else "the benchmark's own client",
        "connections": CONNECTIONS,
        "bcrypt_rounds": BCRYPT_ROUNDS,
        "rounds": length.rounds,
        "seconds": length.seconds,
        "threads_tried": list(length.threads),
    }


def _as_json(run: Run) -> dict[str, Any]:
    return {
        "contenders": {result.contender.name: _result(result) for result in run.results},
        "component_rates": {name: result_tables.spread(rates) for name, rates in run.component_rates.items()},
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "label": result.contender.label,
        "kind": result.contender.kind,
        "threads": dict(result.threads),
        "memory_mib": round(result.memory_mib, 1),
        "access_token_is_revoked_at_once": result.is_revoked_at_once,
        "costs": {name: asdict(cost) for name, cost in result.costs.items()},
        "rates": {
            name: result_tables.spread([sample.rate for sample in samples]) for name, samples in result.samples.items()
        },
        "cpu_us": {
            name: result_tables.spread([sample.cpu_us for sample in samples])
            for name, samples in result.samples.items()
        },
        "p99_ms": {
            name: result_tables.spread([sample.p99_ms for sample in samples])
            for name, samples in result.samples.items()
        },
    }


def _markdown(tables: ResultTables, circumstances: dict[str, Any], versions: dict[str, str]) -> str:
    parts = [
        _describe(circumstances),
        ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
        "![Requests per second](chart.svg)",
        *(tables.table(work) for work in WORKS if tables.has(work.name)),
        tables.table_of_properties(),
        tables.table_of_limits(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _describe(circumstances: dict[str, Any]) -> str:
    sentences = (
        "Measured {measured_at} on {machine}: {cores}.",
        "{rounds} rounds of {seconds:g} s, alternating, {connections} connections, load from {client}.",
        "bcrypt with {bcrypt_rounds} rounds.",
        "Medians, with minimum and maximum.",
    )
    return " ".join(sentences).format_map(circumstances)
