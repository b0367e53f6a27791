"""Compare the hot paths on the empty and on the full database."""

import statistics
from collections.abc import Iterator

from benchmarks.load.plan import Sample
from benchmarks.measure import measure_work
from benchmarks.scale.finding import Finding, at_least
from benchmarks.scale.testbed import Testbed
from benchmarks.server import Server
from benchmarks.works import WORKS

_MEASURED = ("me", "forward_auth", "refresh", "login")
_WITH_TARGET = ("me", "forward_auth", "refresh")
_MIN_SHARE = 0.9

Pairs = dict[str, list[tuple[Sample, Sample]]]


def measure(testbed: Testbed, *, rounds: int, seconds: float) -> Iterator[Finding]:
    pairs: Pairs = {name: [] for name in _MEASURED}
    with testbed.serving(testbed.empty) as empty, testbed.serving(testbed.full) as full:
        _round(empty, full, 1)  # warm-up
        for number in range(rounds):
            for name, pair in _round(empty, full, seconds, reversed_order=number % 2 == 1).items():
                pairs[name].append(pair)
    for name, samples in pairs.items():
        yield _finding(name, samples)


def _round(
    empty: Server, full: Server, seconds: float, *, reversed_order: bool = False
) -> dict[str, tuple[Sample, Sample]]:
    pairs = {}
    for work in (work for work in WORKS if work.name in _MEASURED):
        order = (full, empty) if reversed_order else (empty, full)
        samples = [measure_work(server, work, seconds) for server in order]
        pairs[work.name] = (samples[1], samples[0]) if reversed_order else (samples[0], samples[1])
    return pairs


def _finding(name: str, pairs: list[tuple[Sample, Sample]]) -> Finding:
    """Use the median of the ratios within a round, since the speed of the machine changes."""
    ratio = statistics.median(full.rate / empty.rate for empty, full in pairs)
    rates = [round(statistics.median(pair[side].rate for pair in pairs)) for side in (0, 1)]
    cpu = [round(statistics.median(pair[side].cpu_us for pair in pairs)) for side in (0, 1)]
    title = (
        f"`{name}`: {rates[0]:,} per second empty, {rates[1]:,} full ({cpu[0]:,} and {cpu[1]:,} µs of processor time)"
    )
    details: dict[str, object] = {"rates": rates, "cpu_us": cpu}
    if name in _WITH_TARGET:
        return at_least(title, ratio, _MIN_SHARE, "of the empty database", **details)
    return Finding(title, f"{ratio:.2f} of the empty database", details={"value": round(ratio, 3), **details})
