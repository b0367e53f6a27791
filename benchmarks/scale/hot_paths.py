"""The hot paths on the empty and on the full database, in turns."""

import statistics
from collections.abc import Iterator

from benchmarks import measure
from benchmarks.load.plan import Sample
from benchmarks.scale.finding import Finding, at_least
from benchmarks.scale.ground import Ground
from benchmarks.server import Server
from benchmarks.works import WORKS

_MEASURED = ("me", "forward_auth", "refresh", "login")
_JUDGED = ("me", "forward_auth", "refresh")
_LEAST_OF_EMPTY = 0.9

Pairs = dict[str, list[tuple[Sample, Sample]]]


def measured(ground: Ground, *, rounds: int, seconds: float) -> Iterator[Finding]:
    pairs: Pairs = {name: [] for name in _MEASURED}
    with ground.serving(ground.empty) as empty, ground.serving(ground.full) as full:
        _round(empty, full, 1)  # both warm
        for number in range(rounds):
            for name, pair in _round(empty, full, seconds, turned=number % 2 == 1).items():
                pairs[name].append(pair)
    for name, found in pairs.items():
        yield _judged(name, found)


def _round(empty: Server, full: Server, seconds: float, *, turned: bool = False) -> dict[str, tuple[Sample, Sample]]:
    found = {}
    for work in (one for one in WORKS if one.name in _MEASURED):
        order = (full, empty) if turned else (empty, full)
        samples = [measure.measured(server, work, seconds) for server in order]
        found[work.name] = (samples[1], samples[0]) if turned else (samples[0], samples[1])
    return found


def _judged(name: str, found: list[tuple[Sample, Sample]]) -> Finding:
    """By the median of the ratios within a round: both of a pair met the same moment of the machine."""
    ratio = statistics.median(full.rate / empty.rate for empty, full in found)
    rates = [round(statistics.median(one[side].rate for one in found)) for side in (0, 1)]
    cpu = [round(statistics.median(one[side].cpu_us for one in found)) for side in (0, 1)]
    title = f"`{name}`: {rates[0]:,} a second empty, {rates[1]:,} full ({cpu[0]:,} and {cpu[1]:,} µs of processor)"
    figures: dict[str, object] = {"rates": rates, "cpu_us": cpu}
    if name in _JUDGED:
        return at_least(title, ratio, _LEAST_OF_EMPTY, "of the empty one", **figures)
    return Finding(title, f"{ratio:.2f} of the empty one", figures={"value": round(ratio, 3), **figures})
