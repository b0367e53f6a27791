"""Workers and beats in separate processes, and sign-ups during a fault of one of them."""

import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from accounts.mail import outbox
from accounts.models import OutboxEmail
from accounts.testing import cast
from accounts.testing.api_client import PASSWORD
from core.dev import processes
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import live_server
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer
from core.web_server import commands

Process = subprocess.Popen[bytes]
LONG_CLAIM = "tests.faults.long_claim_worker_settings"
SHORT_CLAIM = "accounts.testing.worker_settings"


@dataclass
class WorkerFleet:
    """Sends through `email_url`; `settings` sets the claim timeout of an email whose worker was killed."""

    folder: Path
    email_url: str
    settings: str = LONG_CLAIM
    variables: dict[str, str] = field(default_factory=dict)
    started: list[Process] = field(default_factory=list)

    def worker(self, *, beat: bool = True) -> Process:
        options = ["--beat", "--schedule", str(self.folder / f"beat-{new_id()}"), "--pidfile", ""] if beat else []
        return self._start([*commands.worker(concurrency=1), "--hostname", f"{new_id().hex}@%h", *options])

    def beat(self) -> Process:
        folder = self.folder / f"beat-{new_id()}"
        folder.mkdir()
        return self._start(commands.beat(folder=folder))

    def _start(self, command: commands.Command) -> Process:
        own = {"DJANGO_SETTINGS_MODULE": self.settings, "EMAIL_URL": self.email_url, "PGAPPNAME": "worker"}
        with (self.folder / "worker.log").open("ab") as log:
            environment = live_server.environment(**(own | self.variables))
            self.started.append(processes.start(command, cwd=BASE_DIR, env=environment, stdout=log, stderr=log))
        return self.started[-1]


@contextmanager
def running(folder: Path, email_url: str, *, settings: str = LONG_CLAIM, **variables: str) -> Iterator[WorkerFleet]:
    fleet = WorkerFleet(folder, email_url, settings, variables)
    try:
        yield fleet
    finally:
        for process in fleet.started:
            processes.stop(process, stop_signal=signal.SIGKILL, grace=5)


def new_email() -> str:
    return f"{new_id().hex}@example.com"


def sign_up(server: LiveServer, email: str) -> ApiResponse:
    body = {"email": email, "username": f"w{new_id().hex[-20:]}", "password": PASSWORD}
    return server.send(ApiRequest("POST", "/register", body))


def sign_up_in_time(server: LiveServer, emails: Iterable[str]) -> None:
    """Sign up with each email, and assert that each response comes within a second."""
    for email in emails:
        started = time.monotonic()
        assert sign_up(server, email).status == 201
        assert time.monotonic() - started < 1


def enqueue_welcome(count: int = 1) -> list[str]:
    """Add welcome emails to the outbox, and return their recipients."""
    users = [cast.someone() for _ in range(count)]
    for user in users:
        outbox.welcome(user)
    return [str(user.email) for user in users]


def outbox_row(email: str) -> OutboxEmail:
    return OutboxEmail.objects.get(recipient=email)


def code_in(text: str) -> str:
    match = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", text))
    assert match, text
    return match[1]
