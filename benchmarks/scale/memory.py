"""What a web process weighs over a million requests of all kinds, and the worker over thousands of emails."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks import cores, server
from benchmarks.load.streams import Client, Stream
from benchmarks.scale import traffic
from benchmarks.scale.finding import Finding, at_most, none
from benchmarks.scale.ground import Ground
from benchmarks.server import Server
from core.dev import processes
from core.paths import BASE_DIR

_STEPS = 20
_SHARES = {"forward_auth": 0.70, "me": 0.20, "refresh": 0.08, "login": 0.02}
_TOKENS = 20_000
_STEPS_OF_A_TOKEN = 4  # they live for fifteen minutes, and a million requests may take longer
_MOST_MIB, _MOST_GROWTH_MIB = 100.0, 3.0
_WORKER_SECONDS = 120.0
_WAITING = "SELECT count(*) FROM accounts_outboxemail WHERE state IN ('queued', 'sending')"
_numbers = itertools.count(970_000_000)


def of_web(ground: Ground, *, requests: int) -> Iterator[Finding]:
    tokens: Sequence[str] = ()
    weights, wrong = [], 0
    with ground.serving(ground.full) as running:
        for step in range(_STEPS):
            if step % _STEPS_OF_A_TOKEN == 0:
                tokens = ground.tokens("access", _TOKENS)
            streams = _step_of(running, tokens, requests // _STEPS)
            Client(running.port, streams).run()
            wrong += sum(one.wrong for one in streams)
            weights.append(_of_web_process(running))
        whole = running.memory_mib()
    yield at_most(f"a web process after {requests:,} requests ({whole:.0f} MiB with the server's own)", weights[-1],
                  _MOST_MIB, "MiB", series=weights, with_parent=round(whole, 1))  # fmt: skip
    yield at_most("what it grew by in the second half", weights[-1] - weights[_STEPS // 2 - 1], _MOST_GROWTH_MIB, "MiB")
    yield none("wrong answers of these", wrong)


def _step_of(running: Server, tokens: Sequence[str], requests: int) -> list[Stream]:
    contender, count = running.contender, {name: int(share * requests) for name, share in _SHARES.items()}
    return [
        traffic.with_tokens("forward_auth", contender.forward_auth, tokens, connections=8, count=count["forward_auth"]),
        traffic.with_tokens("me", contender.me, tokens, connections=4, count=count["me"]),
        traffic.refreshing(running, connections=3, count=count["refresh"]),
        traffic.signing_in(contender, connections=1, count=count["login"]),
    ]


def _of_web_process(running: Server) -> float:
    """Its proportional set size: the child of the server's main process, which only watches over it."""
    _parent, *children = server.tree(running.process.pid)
    return round(max(server.proportional_kib(pid) for pid in children) / 1024, 1)


def of_worker(ground: Ground, *, emails: int, steps: int = 5) -> Iterator[Finding]:
    """One process with its beat, as `make worker` starts it; registrations write the emails."""
    weights = []
    with ground.serving(ground.full) as running:
        worker = _start_worker(ground)
        try:
            for _step in range(steps):
                _register(running, emails // steps)
                _wait_until_sent(ground)
                weights.append(round(sum(map(server.proportional_kib, server.tree(worker.pid))) / 1024, 1))
        finally:
            processes.stop(worker, grace=10)
    title = f"worker with beat, all three processes, after {emails:,} emails"
    yield Finding(title, f"{weights[-1]:.1f} MiB", figures={"value": weights[-1], "series": weights})
    yield at_most("what it grew by in the second half", weights[-1] - weights[steps // 2], _MOST_GROWTH_MIB, "MiB")


def _start_worker(ground: Ground) -> "subprocess.Popen[bytes]":
    schedule = ground.logs / "beat-schedule"
    schedule.unlink(missing_ok=True)
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "1"]
    command += ["--loglevel", "info", "--beat", "--schedule", str(schedule)]
    environment = dict(ground.environment(ground.full))
    with (ground.logs / "worker.log").open("ab") as output, cores.on_any_core():
        return processes.start(command, cwd=BASE_DIR, env=environment, stdout=output, stderr=output)


def _register(running: Server, count: int) -> None:
    register = running.contender.register
    assert register is not None  # noqa: S101 - the product has it
    asks = iter([register.filled(number=next(_numbers)) for _ in range(count)])
    stream = Stream("register", 4, lambda _index: asks, is_right=lambda answer: answer.status == 201)
    Client(running.port, [stream]).run()
    if stream.wrong:
        raise RuntimeError(f"{stream.wrong} registrations failed: {dict(stream.statuses)}")


def _wait_until_sent(ground: Ground) -> None:
    until = time.monotonic() + _WORKER_SECONDS
    while int(str(ground.query(_WAITING)[0][0])):
        if time.monotonic() > until:
            raise TimeoutError("The worker did not send its emails in time.")
        time.sleep(0.5)
