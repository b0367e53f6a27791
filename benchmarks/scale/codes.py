"""Whether a code fresh from its email is ever refused: a real worker with two processes, SMTP, PostgreSQL, and no idle core."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accounts.testing import mail_server
from benchmarks import cores
from benchmarks.scale.finding import Finding, none
from benchmarks.scale.ground import Ground
from benchmarks.scale.verification import Database, Refusal, Rounds, cpu_load
from core.dev import processes
from core.paths import BASE_DIR
from core.web_server import commands

_LOAD = 2  # processes
_CHUNK = 500


def verified(ground: Ground, *, rounds: int, clients: int) -> Iterator[Finding]:
    evidence = ground.logs / "refused_codes.jsonl"
    evidence.unlink(missing_ok=True)
    refusals, started = 0, time.monotonic()
    with mail_server.listening() as mailbox, _running(ground, mailbox.url) as port, cpu_load(_LOAD):
        for done in range(0, rounds, _CHUNK):
            chunk = Rounds(port, mailbox, Database(ground.full.postgres_url))
            failed = chunk.run(count=min(_CHUNK, rounds - done), clients=clients)
            refusals += len(failed)
            _keep(evidence, failed)
            print(f"  {done + _CHUNK:,} of {rounds:,} rounds, {refusals} refused", flush=True)
    rate = rounds / (time.monotonic() - started)
    yield Finding("rounds of registration, email and verification", f"{rounds:,} at {rate:.0f} a second")
    yield none("of these refused or lost", refusals, evidence=str(evidence) if refusals else "")


def _keep(evidence: Path, failed: list[Refusal]) -> None:
    """As it happens: a run of hours that is broken off has its evidence on the disk."""
    with evidence.open("a") as lines:
        lines.writelines(f"{refusal.as_json()}\n" for refusal in failed)


@contextmanager
def _running(ground: Ground, email_url: str) -> Iterator[int]:
    """Two web processes, and a worker with two processes and its beat. Yields the port."""
    schedule = ground.logs / "codes-beat-schedule"
    schedule.unlink(missing_ok=True)
    command = [*commands.worker(concurrency=2), "--beat", "--schedule", str(schedule), "--pidfile", ""]
    environment = dict(ground.environment(ground.full)) | {"EMAIL_URL": email_url}
    with (
        ground.serving(ground.full, EMAIL_URL=email_url, WEB_WORKERS="2") as server,
        (ground.logs / "codes-worker.log").open("ab") as output,
        cores.on_any_core(),
    ):
        worker = processes.start(command, cwd=BASE_DIR, env=environment, stdout=output, stderr=output)
        try:
            yield server.port
        finally:
            processes.stop(worker, grace=10)
