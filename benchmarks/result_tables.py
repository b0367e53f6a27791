"""Results as tables and bars of a chart: medians, ranges, and ratios to djoser and to the limits."""

import statistics
from collections.abc import Sequence

from benchmarks.chart import Bar, Panel
from benchmarks.contender import Kind
from benchmarks.contenders.limits import BCRYPT_CPU
from benchmarks.counting import Cost
from benchmarks.measure import Result, Run
from benchmarks.works import WORKS, Work, WorkKind

_BASE = "djoser"
_OVER_BCRYPT = {"login", "register"}
_CHARTED = ("me", "refresh", "login")


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 2), "min": round(min(values), 2), "max": round(max(values), 2)}


class ResultTables:
    def __init__(self, run: Run) -> None:
        self._results = run.results
        self._by_name = {result.contender.name: result for result in run.results}
        self._component_rates = {name: statistics.median(rates) for name, rates in run.component_rates.items()}

    def has(self, work: str) -> bool:
        return any(work in result.samples for result in self._results)

    def rate(self, name: str, work: str) -> float:
        """Return 0 if the contender did not take part or does not support the work."""
        samples = self._by_name[name].samples.get(work) if name in self._by_name else None
        return statistics.median(sample.rate for sample in samples) if samples else 0.0

    def base(self, work: str) -> float:
        """Return djoser's rate, for a forward-auth that of its `me`."""
        return self.rate(_BASE, "me" if work == "forward_auth" else work)

    def table(self, work: Work) -> str:
        over = " | ms over bcrypt | of the processor" if work.name in _OVER_BCRYPT else ""
        head = [
            f"| {work.title} | per second | min–max | × djoser | CPU µs | p99 ms | SQL · BEGIN/COMMIT · Redis{over} |",
            "|---|---|---|---|---|---|---|" + ("---|---|" if over else ""),
        ]
        results = [result for result in self._results if work.name in result.samples]
        results.sort(key=lambda result: -self.rate(result.contender.name, work.name))
        return "\n".join([*head, *(self._row(result, work.name) for result in results)])

    def _row(self, result: Result, work: str) -> str:
        rate, base = self.rate(result.contender.name, work), self.base(work)
        rates = spread([sample.rate for sample in result.samples[work]])
        cpu_us = statistics.median(sample.cpu_us for sample in result.samples[work])
        p99 = statistics.median(sample.p99_ms for sample in result.samples[work])
        cells = [
            _bold(result, result.contender.label),
            f"{rate:,.0f}",
            f"{rates['min']:,.0f}–{rates['max']:,.0f}",
            f"{rate / base:.2f}" if base else "–",
            f"{cpu_us:,.0f}",
            f"{p99:.1f}",
            _cost(result.costs.get(work)),
        ]
        if work in _OVER_BCRYPT:
            cells += [f"{self.over_bcrypt_ms(rate):.2f}", f"{self.cpu_over_bcrypt_ms(cpu_us):.2f}"]
        return f"| {' | '.join(cells)} |"

    def over_bcrypt_ms(self, rate: float) -> float:
        """Return the time of one request on the core, minus that of the raw hash."""
        return 1000 / rate - 1000 / self._component_rates["bcrypt"]

    def cpu_over_bcrypt_ms(self, cpu_us: float) -> float:
        """Return the processor time of the server's processes, minus that of the raw hash."""
        return cpu_us / 1000 - 1000 / self._component_rates[BCRYPT_CPU]

    def table_of_properties(self) -> str:
        head = [
            "| | access token revoked at once by logout | memory, MiB | threads for reads, writes |",
            "|---|---|---|---|",
        ]
        return "\n".join(
            head + [_property_row(result) for result in self._results if result.contender.kind is not Kind.LIMIT]
        )

    def table_of_limits(self) -> str:
        """Return the product's rates as shares of each limit."""
        limits = {
            result.contender.label: self.rate(result.contender.name, "me")
            for result in self._results
            if result.contender.kind is Kind.LIMIT
        }
        titles = {"bcrypt": "raw bcrypt", "select_1": "`SELECT 1`", "redis_ping": "Redis `PING`"}
        limits |= {title: self._component_rates[name] for name, title in titles.items()}
        product = {work.name: self.rate("vestibule", work.name) for work in WORKS}
        head = [f"| limit | per second | {' | '.join(product)} |", "|---|---|" + "---|" * len(product)]
        rows = [
            f"| {label} | {rate:,.0f} | " + " | ".join(f"{own / rate:.3f}" for own in product.values()) + " |"
            for label, rate in limits.items()
        ]
        return "\n".join(head + rows)

    def panels(self) -> list[Panel]:
        return [self._panel(work) for work in WORKS if work.name in _CHARTED and self.has(work.name)]

    def _panel(self, work: Work) -> Panel:
        results = [
            result
            for result in self._results
            if work.name in result.samples and result.contender.kind is not Kind.LIMIT
        ]
        base = self.base(work.name)
        bars = []
        for result in results:
            rate = self.rate(result.contender.name, work.name)
            text = f"{rate:,.0f}" + (f"  ({rate / base:.1f} ×)" if base else "")
            bars.append(Bar(result.contender.label, rate, text, result.contender.kind is Kind.PRODUCT))
        return Panel(work.title.split(" (")[0], sorted(bars, key=lambda bar: -bar.value))


def _property_row(result: Result) -> str:
    logout = {True: "yes", False: "no", None: "no logout"}[result.is_revoked_at_once]
    label = _bold(result, result.contender.label)
    return f"| {label} | {logout} | {result.memory_mib:.0f} | {_threads(result)} |"


def _threads(result: Result) -> str:
    return ", ".join(str(result.threads[kind]) for kind in WorkKind) if result.contender.has_threads else "–"


def _bold(result: Result, text: str) -> str:
    return f"**{text}**" if result.contender.kind is Kind.PRODUCT else text


def _cost(cost: Cost | None) -> str:
    return f"{cost.statements:g} · {cost.transaction_statements:g} · {cost.commands:g}" if cost else "–"
