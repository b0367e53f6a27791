"""One run: start all contenders, measure them in alternating rounds, and count costs and memory."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks import checks, counting, server
from benchmarks.contender import Contender, Kind
from benchmarks.contenders import limits
from benchmarks.counting import Cost
from benchmarks.load import wrk
from benchmarks.load.own_client import OwnClient
from benchmarks.load.plan import Plan, Sample
from benchmarks.server import Server
from benchmarks.stores import Storage, Stores
from benchmarks.works import WORKS, Work, WorkKind

_TRIAL_SECONDS = 2.0


@dataclass(frozen=True)
class Length:
    """The length of a run: rounds, seconds of each load, and the numbers of threads to try each server with."""

    rounds: int
    seconds: float
    threads: Sequence[int]


@dataclass
class Result:
    """`threads` is the best number for each kind of work: writes, which wait for a disk, need more than reads."""

    contender: Contender
    threads: dict[WorkKind, int] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    is_revoked_at_once: bool | None = None
    memory_mib: float = 0.0


class Measured(NamedTuple):
    """A contender's result and its servers: the same running if both kinds of work need the same number of threads."""

    result: Result
    servers: dict[WorkKind, Server]

    @property
    def all_servers(self) -> list[Server]:
        return list({id(running): running for running in self.servers.values()}.values())


@dataclass
class Run:
    results: list[Result]
    component_rates: dict[str, list[float]]


def run(contenders: Sequence[Contender], stores: Stores, *, length: Length, logs: Path) -> Run:
    storages = {
        contender.name: stores.create_storage(contender.name, number + 1) for number, contender in enumerate(contenders)
    }
    for contender in contenders:
        _print(f"{contender.label}: preparing")
        server.prepare(contender, storages[contender.name])
    results = [Result(contender) for contender in contenders]
    for result in results:
        result.threads = _best_threads(result.contender, storages[result.contender.name], length, logs)
    component_rates: dict[str, list[float]] = {}
    with _start_all(results, storages, logs) as measured:
        for number in range(length.rounds):
            _print(f"Round {number + 1} of {length.rounds}")
            _measure_round(measured, length.seconds, turn=number)
            _measure_components(component_rates, storages, length.seconds)
        for contender_run in measured:
            _finish(contender_run, stores)
    return Run(results, component_rates)


@contextmanager
def _start_all(results: Sequence[Result], storages: dict[str, Storage], logs: Path) -> Iterator[list[Measured]]:
    """Start all servers at once: an idle running costs the measured running nothing."""
    with ExitStack() as stack:
        measured = []
        for result in results:
            by_threads = {}
            for threads in sorted(set(result.threads.values())):
                running = server.start(result.contender, storages[result.contender.name], threads=threads, logs=logs)
                stack.callback(running.stop)
                by_threads[threads] = running
            measured.append(Measured(result, {kind: by_threads[threads] for kind, threads in result.threads.items()}))
        yield measured


def _best_threads(contender: Contender, storage: Storage, length: Length, logs: Path) -> dict[WorkKind, int]:
    """Find the best number of threads by a short trial of running work of each kind."""
    trials = [work for work in WORKS if work.name in {"me", "login"} and work.get_request(contender) is not None]
    if len(length.threads) == 1 or not contender.has_threads:
        return {work.kind: length.threads[0] for work in trials}
    rates: dict[WorkKind, dict[int, float]] = {work.kind: {} for work in trials}
    for threads in length.threads:
        running = server.start(contender, storage, threads=threads, logs=logs)
        try:
            for work in trials:
                with work.planned(running) as plan:
                    rates[work.kind][threads] = _load(running, plan, _TRIAL_SECONDS).rate
        finally:
            running.stop()
    for work in trials:
        rates_by_threads = ", ".join(f"{threads} threads {rate:,.0f}/s" for threads, rate in rates[work.kind].items())
        _print(f"{contender.label}, {work.name}: {rates_by_threads}")
    return {kind: max(by_threads, key=by_threads.__getitem__) for kind, by_threads in rates.items()}


def _measure_round(measured: Sequence[Measured], seconds: float, *, turn: int) -> None:
    """Rotate the order in each round, so that no contender is always the first after a pause."""
    ordered = [*measured[turn % len(measured) :], *measured[: turn % len(measured)]]
    _check_all(ordered)
    for work in WORKS:
        for contender_run in ordered:
            if work.get_request(contender_run.result.contender) is not None:
                sample = measure_work(contender_run.servers[work.kind], work, seconds)
                contender_run.result.samples.setdefault(work.name, []).append(sample)
    _check_all(ordered)


def _check_all(measured: Sequence[Measured]) -> None:
    for contender_run in measured:
        for running in contender_run.all_servers:
            checks.check(running)


def measure_work(running: Server, work: Work, seconds: float) -> Sample:
    """Raise WrongResponse if a single response is not as expected."""
    with work.planned(running) as plan:
        before = running.cpu_seconds()
        sample = _load(running, plan, seconds)
        cpu_seconds = running.cpu_seconds() - before
    if sample.wrong:
        raise checks.WrongResponse(
            f"{running.contender.label}, {work.name}: {sample.wrong} of {sample.requests} are wrong."
        )
    return replace(sample, cpu_us=1e6 * cpu_seconds / max(sample.requests, 1))


def _load(running: Server, plan: Plan, seconds: float) -> Sample:
    if plan.once or not wrk.is_installed():
        return OwnClient(running.port, plan, seconds).run()
    return wrk.run(running.port, plan, seconds)


def _measure_components(component_rates: dict[str, list[float]], storages: dict[str, Storage], seconds: float) -> None:
    storage = next(iter(storages.values()))
    for name, rate in limits.measure_components(storage, seconds=seconds / 2).items():
        component_rates.setdefault(name, []).append(rate)


def _finish(contender_run: Measured, stores: Stores) -> None:
    result = contender_run.result
    result.memory_mib = max(running.memory_mib() for running in contender_run.all_servers)
    if result.contender.kind is Kind.LIMIT:
        return
    running = contender_run.servers[WorkKind.WRITES]
    result.is_revoked_at_once = checks.is_revoked_at_once(running)
    result.costs = counting.count(running, stores)


def _print(text: str) -> None:
    print(text, flush=True)
