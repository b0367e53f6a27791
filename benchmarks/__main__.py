"""`python -m benchmarks`: what `make bench` runs. Writes results.json, results.md and chart.svg."""

import argparse
import sys
from pathlib import Path

from benchmarks import cores, expected, installed, measure, report
from benchmarks.contender import Contender
from benchmarks.contenders.django_peers import django_peers
from benchmarks.contenders.limits import bare_servers
from benchmarks.contenders.node_peers import node_peers
from benchmarks.contenders.product import product
from benchmarks.measure import Length
from benchmarks.stores import Stores

_FULL = Length(rounds=5, seconds=3, threads=(1, 2, 4, 8))
_QUICK = Length(rounds=3, seconds=1, threads=(2,))
_QUICK_ONES = {"vestibule", "djoser", "simplejwt", "raw_wsgi", "bridged_wsgi", "bare_django", "bare_drf"}


def main() -> None:
    options = _options()
    contenders = _chosen(options)
    length = _length(options)
    print(f"This takes about {expected.minutes(contenders, length):.0f} minutes.", flush=True)
    options.into.mkdir(parents=True, exist_ok=True)
    logs = installed.bench_dir() / "logs"
    logs.mkdir(exist_ok=True)
    cores.stay_off_the_server_core()
    stores = Stores.start()
    try:
        found = measure.run(contenders, stores, length=length, logs=logs)
        report.write(found, length=length, versions=report.versions(stores), folder=options.into)
    finally:
        stores.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures the product beside its peers.")
    parser.add_argument("--quick", action="store_true", help="the nearest peers alone, in two minutes")
    parser.add_argument("--only", metavar="NAMES", help="names of contenders, separated by commas")
    parser.add_argument("--rounds", type=int, help=f"how many ({_FULL.rounds})")
    parser.add_argument("--seconds", type=float, help=f"of each load, a second or more ({_FULL.seconds:g})")
    parser.add_argument("--threads", metavar="NUMBERS", help="that each server is tried with (1,2,4,8)")
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
    everybody = [product(), *django_peers(python), *node_peers(installed.node()), *bare_servers(python)]
    names = set(options.only.split(",")) if options.only else _QUICK_ONES if options.quick else None
    chosen = [one for one in everybody if names is None or one.name in names]
    if not chosen:
        sys.exit(f"There are {', '.join(one.name for one in everybody)}.")
    return chosen


main()
