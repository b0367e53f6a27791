"""Samples as figures: medians, spreads, ratios to djoser and to the limits, as rows of tables and bars of a chart."""

import statistics
from collections.abc import Sequence

from benchmarks.chart import Bar, Panel
from benchmarks.contender import Kind
from benchmarks.contenders.limits import BCRYPT_CPU
from benchmarks.counting import Cost
from benchmarks.measure import Result, Run
from benchmarks.works import WORKS, Kinds, Work

_BASE = "djoser"
_OVER_BCRYPT = {"login", "register"}
_CHARTED = ("me", "refresh", "login")


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "min": round(min(values), 2), "max": round(max(values), 2)}


class Figures:
    def __init__(self, run: Run) -> None:
        self._results = run.results
        self._by_name = {result.contender.name: result for result in run.results}
        self._questions = {name: statistics.median(rates) for name, rates in run.questions.items()}

    def has(self, work: str) -> bool:
        return any(work in result.samples for result in self._results)

    def rate(self, name: str, work: str) -> float:
        """0 for who is not there or has no such work."""
        samples = self._by_name[name].samples.get(work) if name in self._by_name else None
        return statistics.median(one.rate for one in samples) if samples else 0.0

    def base(self, work: str) -> float:
        """What a rate is a ratio to; a forward-auth to djoser's `me`, as it has none."""
        return self.rate(_BASE, "me" if work == "forward_auth" else work)

    def table(self, work: Work) -> str:
        over = " | ms over bcrypt | of the processor" if work.name in _OVER_BCRYPT else ""
        head = [
            f"| {work.title} | a second | least – most | × djoser | CPU µs | p99 ms | SQL · marks · Redis{over} |",
            "|---|---|---|---|---|---|---|" + ("---|---|" if over else ""),
        ]
        found = [result for result in self._results if work.name in result.samples]
        found.sort(key=lambda result: -self.rate(result.contender.name, work.name))
        return "\n".join([*head, *(self._row(result, work.name) for result in found)])

    def _row(self, result: Result, work: str) -> str:
        rate, base = self.rate(result.contender.name, work), self.base(work)
        rates = spread([one.rate for one in result.samples[work]])
        cpu_us = statistics.median(one.cpu_us for one in result.samples[work])
        p99 = statistics.median(one.p99_ms for one in result.samples[work])
        cells = [
            _bold(result, result.contender.label),
            f"{rate:,.0f}",
            f"{rates['min']:,.0f} – {rates['max']:,.0f}",
            f"{rate / base:.2f}" if base else "–",
            f"{cpu_us:,.0f}",
            f"{p99:.1f}",
            _cost(result.costs.get(work)),
        ]
        if work in _OVER_BCRYPT:
            cells += [f"{self.over_bcrypt_ms(rate):.2f}", f"{self.cpu_over_bcrypt_ms(cpu_us):.2f}"]
        return f"| {' | '.join(cells)} |"

    def over_bcrypt_ms(self, rate: float) -> float:
        """The core's time for one, less the raw hash."""
        return 1000 / rate - 1000 / self._questions["bcrypt"]

    def cpu_over_bcrypt_ms(self, cpu_us: float) -> float:
        """What the server's processes took of it; the rest is waiting that no other request filled."""
        return cpu_us / 1000 - 1000 / self._questions[BCRYPT_CPU]

    def table_of_properties(self) -> str:
        head = [
            "| | access token dead at once after logout | memory, MiB | threads to read, to write |",
            "|---|---|---|---|",
        ]
        words = {True: "yes", False: "no", None: "no logout"}
        return "\n".join(
            head
            + [
                f"| {_bold(one, one.contender.label)} | {words[one.dies_at_once]} | {one.memory_mib:.0f} | {_threads(one)} |"
                for one in self._results
                if one.contender.kind is not Kind.LIMIT
            ]
        )

    def table_of_limits(self) -> str:
        """How near the product's `me` and `forward-auth` come to what they stand on."""
        limits = {
            one.contender.label: self.rate(one.contender.name, "me")
            for one in self._results
            if one.contender.kind is Kind.LIMIT
        }
        titles = {"bcrypt": "raw bcrypt", "select_1": "`SELECT 1`", "redis_ping": "Redis `PING`"}
        limits |= {title: self._questions[name] for name, title in titles.items()}
        ours = {work.name: self.rate("vestibule", work.name) for work in WORKS}
        head = [f"| limit | a second | {' | '.join(ours)} |", "|---|---|" + "---|" * len(ours)]
        rows = [
            f"| {label} | {rate:,.0f} | " + " | ".join(f"{one / rate:.3f}" for one in ours.values()) + " |"
            for label, rate in limits.items()
        ]
        return "\n".join(head + rows)

    def panels(self) -> list[Panel]:
        return [self._panel(work) for work in WORKS if work.name in _CHARTED and self.has(work.name)]

    def _panel(self, work: Work) -> Panel:
        found = [one for one in self._results if work.name in one.samples and one.contender.kind is not Kind.LIMIT]
        base = self.base(work.name)
        bars = []
        for one in found:
            rate = self.rate(one.contender.name, work.name)
            text = f"{rate:,.0f}" + (f"  ({rate / base:.1f} ×)" if base else "")
            bars.append(Bar(one.contender.label, rate, text, one.contender.kind is Kind.PRODUCT))
        return Panel(work.title.split(" (")[0], sorted(bars, key=lambda bar: -bar.value))


def _threads(result: Result) -> str:
    return ", ".join(str(result.threads[kind]) for kind in Kinds) if result.contender.has_threads else "–"


def _bold(result: Result, text: str) -> str:
    return f"**{text}**" if result.contender.kind is Kind.PRODUCT else text


def _cost(cost: Cost | None) -> str:
    return f"{cost.statements:g} · {cost.marks:g} · {cost.commands:g}" if cost else "–"
