"""The command of `make bench`. Writes results.json, results.md and chart.svg."""

import argparse
import sys
from pathlib import Path

from benchmarks import cores, duration, installed, measure, report
from benchmarks.contender import Contender
from benchmarks.contenders.django_peers import django_peers
from benchmarks.contenders.limits import bare_servers
from benchmarks.contenders.node_peers import node_peers
from benchmarks.contenders.product import product
from benchmarks.measure import Length
from benchmarks.stores import Stores

_FULL = Length(rounds=5, seconds=3, threads=(1, 2, 4, 8))
_QUICK = Length(rounds=3, seconds=1, threads=(2,))
_QUICK_NAMES = {"vestibule", "djoser", "simplejwt", "raw_wsgi", "bridged_wsgi", "bare_django", "bare_drf"}


def main() -> None:
    options = _options()
    contenders = _chosen(options)
    length = _length(options)
    print(f"This takes about {duration.estimate_minutes(contenders, length):.0f} minutes.", flush=True)
    options.into.mkdir(parents=True, exist_ok=True)
    logs = installed.bench_dir() / "logs"
    logs.mkdir(exist_ok=True)
    cores.leave_server_core()
    stores = Stores.start()
    try:
        run = measure.run(contenders, stores, length=length, logs=logs)
        report.write(run, length=length, versions=report.versions(stores), folder=options.into)
    finally:
        stores.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures the product beside its peers.")
    parser.add_argument("--quick", action="store_true", help="only the nearest peers, in two minutes")
    parser.add_argument("--only", metavar="NAMES", help="names of contenders, separated by commas")
    parser.add_argument("--rounds", type=int, help=f"number of rounds ({_FULL.rounds})")
    parser.add_argument("--seconds", type=float, help=f"duration of each load, at least a second ({_FULL.seconds:g})")
    parser.add_argument("--threads", metavar="NUMBERS", help="numbers of threads to try each server with (1,2,4,8)")
    parser.add_argument(
        "--into", type=Path, default=installed.bench_dir() / "results", help="the folder of the results"
    )
    return parser.parse_args()


def _length(options: argparse.Namespace) -> Length:
    usual = _QUICK if options.quick else _FULL
    threads = [int(number) for number in options.threads.split(",")] if options.threads else usual.threads
    rounds, seconds = options.rounds or usual.rounds, options.seconds or usual.seconds
    return Length(rounds=rounds, seconds=seconds, threads=threads)


def _chosen(options: argparse.Namespace) -> list[Contender]:
    python = installed.python()
    contenders = [product(), *django_peers(python), *node_peers(installed.node()), *bare_servers(python)]
    names = set(options.only.split(",")) if options.only else _QUICK_NAMES if options.quick else None
    chosen = [contender for contender in contenders if names is None or contender.name in names]
    if not chosen:
        sys.exit(f"Choose from {', '.join(contender.name for contender in contenders)}.")
    return chosen


main()
