"""The command of `make bench-scale`. Writes scale.json and scale.md."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import cores, installed, report
from benchmarks.scale import cleanup, codes, hot_paths, memory, passkeys, plans, scale_report, storms
from benchmarks.scale.finding import Finding
from benchmarks.scale.testbed import THREADS, Size, Testbed, prepare
from benchmarks.stores import Stores

Chapter = Callable[[Testbed], Iterator[Finding]]


def main() -> None:
    options = _options()
    options.into.mkdir(parents=True, exist_ok=True)
    logs = installed.bench_dir() / "logs"
    logs.mkdir(exist_ok=True)
    cores.leave_server_core()
    stores = Stores.start()
    try:
        testbed = prepare(stores, logs)
        _print(testbed.fill(Size(options.users, options.sessions)))
        chapters = {title: _run_chapter(title, run, testbed) for title, run in _chosen(options).items()}
        scale_report.write(chapters, circumstances=_circumstances(options, stores), folder=options.into)
    finally:
        stores.stop()
    if any(finding.is_met is False for findings in chapters.values() for finding in findings):
        sys.exit("Some targets were missed.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description="Measures growth, memory and storms."
    )
    parser.add_argument("--users", type=int, default=250_000)
    parser.add_argument("--sessions", type=int, default=1_000_000, help="total; as many have ended before the cleanup")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the hot paths")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement of the hot paths")
    parser.add_argument(
        "--requests",
        type=int,
        default=1_000_000,
        help="requests before the memory of a web process is measured",
    )
    parser.add_argument("--emails", type=int, default=3_000, help="emails before the memory of the worker is measured")
    parser.add_argument("--refreshes", type=int, default=100_000, help="sessions that refresh at once")
    parser.add_argument("--connections", type=int, default=64, help="connections of those")
    parser.add_argument("--storm-seconds", type=float, default=20.0, help="duration of the storm of 300 logins")
    parser.add_argument("--verifications", type=int, default=20_000, help="registrations whose code is verified")
    parser.add_argument("--clients", type=int, default=16, help="clients that register at once")
    parser.add_argument(
        "--passkeys", type=int, default=10_000, help="sign-ins by passkey, a hundred with each challenge"
    )
    parser.add_argument(
        "--only", metavar="NAMES", help="hot, plans, logins, refreshes, web, worker, codes, passkeys, cleanup"
    )
    parser.add_argument(
        "--into", type=Path, default=installed.bench_dir() / "results", help="the folder of the results"
    )
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> Mapping[str, Chapter]:
    """Return the chapters in an order in which none affects a later one: the cleanup comes last."""
    chapters: dict[str, tuple[str, Chapter]] = {
        "hot": ("Growth", lambda testbed: hot_paths.measure(testbed, rounds=options.rounds, seconds=options.seconds)),
        "plans": ("Plans", plans.examine),
        "refreshes": (
            "A deployment",
            lambda testbed: storms.measure_refreshes(
                testbed, sessions=options.refreshes, connections=options.connections
            ),
        ),
        "web": ("Memory of the web", lambda testbed: memory.measure_web(testbed, requests=options.requests)),
        "worker": ("Memory of the worker", lambda testbed: memory.measure_worker(testbed, emails=options.emails)),
        "codes": (
            "Codes",
            lambda testbed: codes.measure(testbed, rounds=options.verifications, clients=options.clients),
        ),
        "passkeys": ("Passkeys", lambda testbed: passkeys.measure(testbed, uses=options.passkeys)),
        "logins": ("A storm of logins", lambda testbed: storms.measure_logins(testbed, seconds=options.storm_seconds)),
        "cleanup": ("Cleanup", lambda testbed: cleanup.measure(testbed, sessions=options.sessions)),
    }
    names = set(options.only.split(",")) if options.only else set(chapters)
    return dict(chapter for name, chapter in chapters.items() if name in names)


def _run_chapter(title: str, run: Chapter, testbed: Testbed) -> list[Finding]:
    started, findings = time.monotonic(), []
    for finding in run(testbed):
        findings.append(finding)
        _print(f"{title}: {finding.name}: {finding.value}" + (f" (target {finding.target})" if finding.target else ""))
    _print(f"{title}: {time.monotonic() - started:.0f} s")
    return findings


def _circumstances(options: argparse.Namespace, stores: Stores) -> Mapping[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "cores": cores.describe(),
        "users": options.users,
        "sessions": options.sessions,
        "threads": THREADS,
        "load_of_others_at_the_end": round(os.getloadavg()[0], 1),
        "versions": ", ".join(f"{name} {number}" for name, number in report.versions(stores).items()),
    }


def _print(text: str) -> None:
    print(text, flush=True)


main()
