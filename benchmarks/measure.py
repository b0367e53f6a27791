"""One run: all contenders started, their rounds taken in turn, what each costs and weighs."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import checks, counting, server
from benchmarks.contender import Contender, Kind
from benchmarks.contenders import limits
from benchmarks.counting import Cost
from benchmarks.load import wrk
from benchmarks.load.own_client import OwnClient
from benchmarks.load.plan import Plan, Sample
from benchmarks.server import Server
from benchmarks.stores import Place, Stores
from benchmarks.works import WORKS, Work


@dataclass(frozen=True)
class Length:
    """How long a run takes: rounds, seconds of each load, and the numbers of threads that each server is tried with."""

    rounds: int
    seconds: float
    threads: Sequence[int]


@dataclass
class Result:
    contender: Contender
    threads: int = 0
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    dies_at_once: bool | None = None
    memory_mib: float = 0.0


@dataclass
class Run:
    results: list[Result]
    questions: dict[str, list[float]]


def run(contenders: Sequence[Contender], stores: Stores, *, length: Length, logs: Path) -> Run:
    places = {one.name: stores.make_place(one.name, number + 1) for number, one in enumerate(contenders)}
    for contender in contenders:
        _say(f"{contender.label}: preparing")
        server.prepare(contender, places[contender.name])
    results = [Result(contender) for contender in contenders]
    for result in results:
        result.threads = _best_threads(result.contender, places[result.contender.name], length, logs)
    questions: dict[str, list[float]] = {}
    with _started(results, places, logs) as servers:
        for number in range(length.rounds):
            _say(f"Round {number + 1} of {length.rounds}")
            _take_round(results, servers, length.seconds, turn=number)
            _ask_stores(questions, places, length.seconds)
        for result, one in zip(results, servers, strict=True):
            _finish(result, one, stores)
    return Run(results, questions)


@contextmanager
def _started(results: Sequence[Result], places: dict[str, Place], logs: Path) -> Iterator[list[Server]]:
    """All at once: who is not asked costs the one who is nothing."""
    with ExitStack() as stack:
        servers = []
        for result in results:
            one = server.start(result.contender, places[result.contender.name], threads=result.threads, logs=logs)
            stack.callback(one.stop)
            servers.append(one)
        yield servers


def _best_threads(contender: Contender, place: Place, length: Length, logs: Path) -> int:
    """Each server is measured with the number of threads that is best for it, by a short look at `me`."""
    if len(length.threads) == 1 or not contender.has_threads:
        return length.threads[0]
    rates = {}
    for threads in length.threads:
        one = server.start(contender, place, threads=threads, logs=logs)
        try:
            with WORKS[0].planned(one) as plan:
                rates[threads] = _load(one, plan, 2).rate
        finally:
            one.stop()
    _say(f"{contender.label}: " + ", ".join(f"{threads} threads {rate:,.0f}/s" for threads, rate in rates.items()))
    return max(rates, key=lambda threads: rates[threads])


def _take_round(results: Sequence[Result], servers: Sequence[Server], seconds: float, *, turn: int) -> None:
    """Another begins in each round, so that none is always the first after a pause."""
    pairs = list(zip(results, servers, strict=True))
    pairs = pairs[turn % len(pairs) :] + pairs[: turn % len(pairs)]
    for _result, one in pairs:
        checks.check(one)
    for work in WORKS:
        for result, one in pairs:
            if work.request_of(one.contender) is not None:
                result.samples.setdefault(work.name, []).append(_measured(one, work, seconds))
    for _result, one in pairs:
        checks.check(one)


def _measured(one: Server, work: Work, seconds: float) -> Sample:
    with work.planned(one) as plan:
        before = one.cpu_seconds()
        sample = _load(one, plan, seconds)
        taken = one.cpu_seconds() - before
    if sample.wrong:
        raise checks.WrongAnswer(f"{one.contender.label}, {work.name}: {sample.wrong} of {sample.requests} are wrong.")
    return replace(sample, cpu_us=1e6 * taken / max(sample.requests, 1))


def _load(one: Server, plan: Plan, seconds: float) -> Sample:
    if plan.once or not wrk.is_here():
        return OwnClient(one.port, plan, seconds).run()
    return wrk.run(one.port, plan, seconds)


def _ask_stores(questions: dict[str, list[float]], places: dict[str, Place], seconds: float) -> None:
    place = next(iter(places.values()))
    for name, rate in limits.bare_questions(place, seconds=seconds / 2).items():
        questions.setdefault(name, []).append(rate)


def _finish(result: Result, one: Server, stores: Stores) -> None:
    result.memory_mib = one.memory_mib()
    if result.contender.kind is Kind.LIMIT:
        return
    result.dies_at_once = checks.dies_at_once(one)
    result.costs = counting.count(one, stores)


def _say(text: str) -> None:
    print(text, flush=True)
