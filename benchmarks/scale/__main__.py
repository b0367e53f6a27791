"""`python -m benchmarks.scale`: what `make bench-scale` runs. Writes scale.json and scale.md."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import cores, installed, report
from benchmarks.scale import cleanup, codes, ground, hot_paths, memory, paper, plans, storms
from benchmarks.scale.finding import Finding
from benchmarks.scale.ground import Ground, Size
from benchmarks.stores import Stores

Chapter = Callable[[Ground], Iterator[Finding]]


def main() -> None:
    options = _options()
    options.into.mkdir(parents=True, exist_ok=True)
    logs = installed.bench_dir() / "logs"
    logs.mkdir(exist_ok=True)
    cores.stay_off_the_server_core()
    stores = Stores.start()
    try:
        place = ground.prepared(stores, logs)
        _say(place.fill(Size(options.users, options.sessions)))
        chapters = {title: _found(title, run, place) for title, run in _chosen(options).items()}
        paper.write(chapters, circumstances=_circumstances(options, stores), folder=options.into)
    finally:
        stores.stop()
    if any(one.is_met is False for found in chapters.values() for one in found):
        sys.exit("Some targets were missed.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description="Measures growth, memory and storms."
    )
    parser.add_argument("--users", type=int, default=250_000)
    parser.add_argument("--sessions", type=int, default=1_000_000, help="in all; as many have ended before the cleanup")
    parser.add_argument("--rounds", type=int, default=7, help="of the hot paths, in turns")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of these")
    parser.add_argument("--requests", type=int, default=1_000_000, help="over which the web process is weighed")
    parser.add_argument("--emails", type=int, default=3_000, help="over which the worker is weighed")
    parser.add_argument("--refreshes", type=int, default=100_000, help="sessions that refresh at once")
    parser.add_argument("--connections", type=int, default=64, help="over which they do")
    parser.add_argument("--storm-seconds", type=float, default=20.0, help="that 300 logins wait")
    parser.add_argument("--verifications", type=int, default=20_000, help="registrations whose code is verified")
    parser.add_argument("--clients", type=int, default=16, help="that do so at once")
    parser.add_argument("--only", metavar="NAMES", help="hot, plans, logins, refreshes, web, worker, codes, cleanup")
    parser.add_argument(
        "--into", type=Path, default=installed.bench_dir() / "results", help="the folder of the results"
    )
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> Mapping[str, Chapter]:
    """In an order in which none spoils the ground of those after it: the cleanup comes last."""
    chapters: dict[str, tuple[str, Chapter]] = {
        "hot": ("Growth", lambda place: hot_paths.measured(place, rounds=options.rounds, seconds=options.seconds)),
        "plans": ("Plans", plans.examined),
        "refreshes": (
            "A deploy",
            lambda place: storms.of_refreshes(place, sessions=options.refreshes, connections=options.connections),
        ),
        "web": ("Memory of the web", lambda place: memory.of_web(place, requests=options.requests)),
        "worker": ("Memory of the worker", lambda place: memory.of_worker(place, emails=options.emails)),
        "codes": (
            "Codes",
            lambda place: codes.verified(place, rounds=options.verifications, clients=options.clients),
        ),
        "logins": ("A storm of logins", lambda place: storms.of_logins(place, seconds=options.storm_seconds)),
        "cleanup": ("Cleanup", lambda place: cleanup.beside_traffic(place, sessions=options.sessions)),
    }
    names = set(options.only.split(",")) if options.only else set(chapters)
    return dict(chapter for name, chapter in chapters.items() if name in names)


def _found(title: str, run: Chapter, place: Ground) -> list[Finding]:
    started, found = time.monotonic(), []
    for one in run(place):
        found.append(one)
        _say(f"{title}: {one.name}: {one.value}" + (f" (target {one.target})" if one.target else ""))
    _say(f"{title}: {time.monotonic() - started:.0f} s")
    return found


def _circumstances(options: argparse.Namespace, stores: Stores) -> Mapping[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "cores": cores.described(),
        "users": options.users,
        "sessions": options.sessions,
        "threads": ground.THREADS,
        "load_of_others_at_the_end": round(os.getloadavg()[0], 1),
        "versions": ", ".join(f"{name} {number}" for name, number in report.versions(stores).items()),
    }


def _say(text: str) -> None:
    print(text, flush=True)


main()
