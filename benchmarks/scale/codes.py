"""Are valid codes ever rejected? A real worker with two processes, SMTP, PostgreSQL, and no idle core."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accounts.testing import mail_server
from benchmarks import cores
from benchmarks.scale.finding import Finding, zero
from benchmarks.scale.testbed import Testbed
from benchmarks.scale.verification import Database, Rejection, Rounds, cpu_load
from core.dev import processes
from core.paths import BASE_DIR
from core.web_server import commands

_LOAD = 2  # processes
_CHUNK = 500


def measure(testbed: Testbed, *, rounds: int, clients: int) -> Iterator[Finding]:
    evidence = testbed.logs / "rejected_codes.jsonl"
    evidence.unlink(missing_ok=True)
    rejections, started = 0, time.monotonic()
    with mail_server.listening() as mailbox, _running(testbed, mailbox.url) as port, cpu_load(_LOAD):
        for done in range(0, rounds, _CHUNK):
            chunk = Rounds(port, mailbox, Database(testbed.full.postgres_url))
            failed = chunk.run(count=min(_CHUNK, rounds - done), clients=clients)
            rejections += len(failed)
            _keep(evidence, failed)
            print(f"  {done + _CHUNK:,} of {rounds:,} rounds, {rejections} rejected", flush=True)
    rate = rounds / (time.monotonic() - started)
    yield Finding("rounds of registration, email and verification", f"{rounds:,} at {rate:.0f} per second")
    yield zero("of these rejected or lost", rejections, evidence=str(evidence) if rejections else "")


def _keep(evidence: Path, failed: list[Rejection]) -> None:
    """Append at once, so that an interrupted run keeps its evidence."""
    with evidence.open("a") as lines:
        lines.writelines(f"{rejection.as_json()}\n" for rejection in failed)


@contextmanager
def _running(testbed: Testbed, email_url: str) -> Iterator[int]:
    """Run two web processes, and a worker with two processes and its beat. Yield the port."""
    schedule = testbed.logs / "codes-beat-schedule"
    schedule.unlink(missing_ok=True)
    command = [*commands.worker(concurrency=2), "--beat", "--schedule", str(schedule), "--pidfile", ""]
    environment = dict(testbed.environment(testbed.full)) | {"EMAIL_URL": email_url}
    with (
        testbed.serving(testbed.full, EMAIL_URL=email_url, WEB_WORKERS="2") as server,
        (testbed.logs / "codes-worker.log").open("ab") as output,
        cores.on_any_core(),
    ):
        worker = processes.start(command, cwd=BASE_DIR, env=environment, stdout=output, stderr=output)
        try:
            yield server.port
        finally:
            processes.stop(worker, grace=10)
