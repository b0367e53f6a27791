"""Memory of a web process during a million requests, and of the worker during thousands of emails."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks import cores, server
from benchmarks.load.streams import Client, Stream
from benchmarks.scale import traffic
from benchmarks.scale.finding import Finding, at_most, zero
from benchmarks.scale.testbed import Testbed
from benchmarks.server import Server
from core.dev import processes
from core.paths import BASE_DIR

_STEPS = 20
_SHARES = {"forward_auth": 0.70, "me": 0.20, "refresh": 0.08, "login": 0.02}
_TOKENS = 20_000
_STEPS_OF_A_TOKEN = 4  # a million requests may take longer than a token is valid
_MAX_MIB, _MAX_GROWTH_MIB = 100.0, 3.0
_WORKER_SECONDS = 120.0
_WAITING = "SELECT count(*) FROM accounts_outboxemail WHERE state IN ('queued', 'sending')"
_numbers = itertools.count(970_000_000)


def measure_web(testbed: Testbed, *, requests: int) -> Iterator[Finding]:
    tokens: Sequence[str] = ()
    sizes_mib, wrong = [], 0
    with testbed.serving(testbed.full) as running:
        for step in range(_STEPS):
            if step % _STEPS_OF_A_TOKEN == 0:
                tokens = testbed.tokens("access", _TOKENS)
            streams = _step_streams(running, tokens, requests // _STEPS)
            Client(running.port, streams).run()
            wrong += sum(stream.wrong for stream in streams)
            sizes_mib.append(_web_process_mib(running))
        whole = running.memory_mib()
    yield at_most(f"a web process after {requests:,} requests ({whole:.0f} MiB with the server's own)", sizes_mib[-1],
                  _MAX_MIB, "MiB", series=sizes_mib, with_parent=round(whole, 1))  # fmt: skip
    yield at_most("growth in the second half", sizes_mib[-1] - sizes_mib[_STEPS // 2 - 1], _MAX_GROWTH_MIB, "MiB")
    yield zero("wrong responses of these", wrong)


def _step_streams(running: Server, tokens: Sequence[str], requests: int) -> list[Stream]:
    contender, count = running.contender, {name: int(share * requests) for name, share in _SHARES.items()}
    return [
        traffic.with_tokens("forward_auth", contender.forward_auth, tokens, connections=8, count=count["forward_auth"]),
        traffic.with_tokens("me", contender.me, tokens, connections=4, count=count["me"]),
        traffic.refreshing(running, connections=3, count=count["refresh"]),
        traffic.signing_in(contender, connections=1, count=count["login"]),
    ]


def _web_process_mib(running: Server) -> float:
    """Return the proportional set size of the child of the server's main process, which only supervises."""
    _parent, *children = server.tree(running.process.pid)
    return round(max(server.proportional_kib(pid) for pid in children) / 1024, 1)


def measure_worker(testbed: Testbed, *, emails: int, steps: int = 5) -> Iterator[Finding]:
    """Start one process with its beat, like `make worker`; registrations queue the emails."""
    sizes_mib = []
    with testbed.serving(testbed.full) as running:
        worker = _start_worker(testbed)
        try:
            for _step in range(steps):
                _register(running, emails // steps)
                _wait_until_sent(testbed)
                sizes_mib.append(round(sum(map(server.proportional_kib, server.tree(worker.pid))) / 1024, 1))
        finally:
            processes.stop(worker, grace=10)
    title = f"worker with beat, all three processes, after {emails:,} emails"
    yield Finding(title, f"{sizes_mib[-1]:.1f} MiB", details={"value": sizes_mib[-1], "series": sizes_mib})
    yield at_most("growth in the second half", sizes_mib[-1] - sizes_mib[steps // 2], _MAX_GROWTH_MIB, "MiB")


def _start_worker(testbed: Testbed) -> "subprocess.Popen[bytes]":
    schedule = testbed.logs / "beat-schedule"
    schedule.unlink(missing_ok=True)
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "1"]
    command += ["--loglevel", "info", "--beat", "--schedule", str(schedule)]
    environment = dict(testbed.environment(testbed.full))
    with (testbed.logs / "worker.log").open("ab") as output, cores.on_any_core():
        return processes.start(command, cwd=BASE_DIR, env=environment, stdout=output, stderr=output)


def _register(running: Server, count: int) -> None:
    register = running.contender.register
    assert register is not None  # noqa: S101 - the product has it
    requests = iter([register.filled(number=next(_numbers)) for _ in range(count)])
    stream = Stream("register", 4, lambda _index: requests, is_correct=lambda response: response.status == 201)
    Client(running.port, [stream]).run()
    if stream.wrong:
        raise RuntimeError(f"{stream.wrong} registrations failed: {dict(stream.statuses)}")


def _wait_until_sent(testbed: Testbed) -> None:
    until = time.monotonic() + _WORKER_SECONDS
    while int(str(testbed.query(_WAITING)[0][0])):
        if time.monotonic() > until:
            raise TimeoutError("The worker did not send its emails in time.")
        time.sleep(0.5)
