"""One run: all contenders started, their rounds taken in turn, what each costs and weighs."""

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
from benchmarks.stores import Place, Stores
from benchmarks.works import WORKS, Kinds, Work

_TRIAL_SECONDS = 2.0


@dataclass(frozen=True)
class Length:
    """How long a run takes: rounds, seconds of each load, and the numbers of threads that each server is tried with."""

    rounds: int
    seconds: float
    threads: Sequence[int]


@dataclass
class Result:
    """`threads` is the number that is best for works of each kind: one that waits for a disk wants more than one that reads."""

    contender: Contender
    threads: dict[Kinds, int] = field(default_factory=dict)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    dies_at_once: bool | None = None
    memory_mib: float = 0.0


class Pair(NamedTuple):
    """A contender's result and its servers, which are one and the same where both kinds want as many threads."""

    result: Result
    servers: dict[Kinds, Server]

    @property
    def all_servers(self) -> list[Server]:
        return list({id(one): one for one in self.servers.values()}.values())


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
    with _started(results, places, logs) as pairs:
        for number in range(length.rounds):
            _say(f"Round {number + 1} of {length.rounds}")
            _take_round(pairs, length.seconds, turn=number)
            _ask_stores(questions, places, length.seconds)
        for pair in pairs:
            _finish(pair, stores)
    return Run(results, questions)


@contextmanager
def _started(results: Sequence[Result], places: dict[str, Place], logs: Path) -> Iterator[list[Pair]]:
    """All at once: who is not asked costs the one who is nothing."""
    with ExitStack() as stack:
        pairs = []
        for result in results:
            by_threads = {}
            for threads in sorted(set(result.threads.values())):
                one = server.start(result.contender, places[result.contender.name], threads=threads, logs=logs)
                stack.callback(one.stop)
                by_threads[threads] = one
            pairs.append(Pair(result, {kind: by_threads[threads] for kind, threads in result.threads.items()}))
        yield pairs


def _best_threads(contender: Contender, place: Place, length: Length, logs: Path) -> dict[Kinds, int]:
    """By a short look at one work of each kind, which stands for the others of it."""
    trials = [work for work in WORKS if work.name in {"me", "login"} and work.request_of(contender) is not None]
    if len(length.threads) == 1 or not contender.has_threads:
        return {work.kind: length.threads[0] for work in trials}
    rates: dict[Kinds, dict[int, float]] = {work.kind: {} for work in trials}
    for threads in length.threads:
        one = server.start(contender, place, threads=threads, logs=logs)
        try:
            for work in trials:
                with work.planned(one) as plan:
                    rates[work.kind][threads] = _load(one, plan, _TRIAL_SECONDS).rate
        finally:
            one.stop()
    for work in trials:
        told = ", ".join(f"{threads} threads {rate:,.0f}/s" for threads, rate in rates[work.kind].items())
        _say(f"{contender.label}, {work.name}: {told}")
    return {kind: max(found, key=lambda threads: found[threads]) for kind, found in rates.items()}


def _take_round(pairs: Sequence[Pair], seconds: float, *, turn: int) -> None:
    """Another begins in each round, so that none is always the first after a pause."""
    turned = [*pairs[turn % len(pairs) :], *pairs[: turn % len(pairs)]]
    _check_all(turned)
    for work in WORKS:
        for pair in turned:
            if work.request_of(pair.result.contender) is not None:
                sample = measured(pair.servers[work.kind], work, seconds)
                pair.result.samples.setdefault(work.name, []).append(sample)
    _check_all(turned)


def _check_all(pairs: Sequence[Pair]) -> None:
    for pair in pairs:
        for one in pair.all_servers:
            checks.check(one)


def measured(one: Server, work: Work, seconds: float) -> Sample:
    """Raises WrongAnswer where a single answer is not what it must be."""
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


def _finish(pair: Pair, stores: Stores) -> None:
    result = pair.result
    result.memory_mib = max(one.memory_mib() for one in pair.all_servers)
    if result.contender.kind is Kind.LIMIT:
        return
    one = pair.servers[Kinds.WRITES]
    result.dies_at_once = checks.dies_at_once(one)
    result.costs = counting.count(one, stores)


def _say(text: str) -> None:
    print(text, flush=True)
