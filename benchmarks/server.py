"""The server of a contender: prepare, start on its core, send requests, measure memory, stop."""

import http.client
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import cores
from benchmarks.contender import PASSWORD, Contender, Tokens, token_in
from benchmarks.load.plan import Request
from benchmarks.stores import Storage
from core.dev import processes
from core.web_server import bind_address

USERS = 400
_HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_RESPONSE_SECONDS = 30.0


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes


@dataclass(frozen=True)
class Server:
    contender: Contender
    storage: Storage
    port: int
    process: subprocess.Popen[bytes]

    def send(self, request: Request) -> Response:
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=_RESPONSE_SECONDS)
        try:
            connection.request(request.method, request.path, request.body or None, request.all_headers())
            response = connection.getresponse()
            return Response(response.status, response.read())
        finally:
            connection.close()

    def sign_in(self, number: int) -> Tokens:
        contender = self.contender
        assert contender.login is not None  # noqa: S101 - called only for contenders with a login
        response = self.send(contender.login.filled(number=number))
        access = token_in(response.body, contender.access)
        if not access:
            raise RuntimeError(f"{contender.label}: no login, {response.status} {response.body[:300]!r}")
        return Tokens(access, token_in(response.body, contender.refresh_token))

    def sign_out(self, tokens: Tokens) -> Response | None:
        if self.contender.logout is None:
            return None
        return self.send(self.contender.logout.filled(token=tokens.access, other=tokens.refresh))

    def memory_mib(self) -> float:
        """Return the memory of all its processes; shared memory counts once."""
        return sum(proportional_kib(pid) for pid in tree(self.process.pid)) / 1024

    def cpu_seconds(self) -> float:
        """Return the processor time of all its processes so far."""
        return sum(_ticks(pid) for pid in tree(self.process.pid)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        processes.stop(self.process, grace=_STOP_SECONDS)


def prepare(contender: Contender, storage: Storage) -> None:
    """Migrate and seed the contender's database."""
    for command in contender.prepare:
        subprocess.run(command, cwd=contender.folder, env=environment(contender, storage), check=True)


def start(contender: Contender, storage: Storage, *, threads: int, logs: Path) -> Server:
    port, log = bind_address.free_port(_HOST), logs / f"{contender.name}.log"
    with log.open("ab") as output, cores.on_server_core():
        process = processes.start(
            contender.command(port, threads),
            cwd=contender.folder,
            env=environment(contender, storage),
            stdout=output,
            stderr=output,
        )
    path = contender.me.path if contender.me else "/"
    try:
        processes.wait_until(lambda: bind_address.answers(_HOST, port, path), process, log=log, seconds=_START_SECONDS)
    except BaseException:
        processes.stop(process, grace=_STOP_SECONDS)
        raise
    running = Server(contender, storage, port, process)
    if contender.is_seeded_by_requests:
        _seed(running)
    return running


def _seed(server: Server) -> None:
    """Register the users, until one exists already."""
    register = server.contender.register
    assert register is not None  # noqa: S101 - the contender expected_me that it is so seeded
    as_seed_user = replace(register, body=register.body.replace("new{number}", "user{number}"))
    for number in range(USERS):
        if server.send(as_seed_user.filled(number=number)).status >= 400:
            return


def environment(contender: Contender, storage: Storage) -> dict[str, str]:
    """Return the environment of its processes: its storage and settings, and little of this process's environment."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"BENCH_PASSWORD": PASSWORD, "BENCH_USERS": str(USERS), "ENV_FILE": os.devnull}
    return inherited | storage.environment | own | dict(contender.environment)


def tree(pid: int) -> Sequence[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [pid, *(descendant for child in children for descendant in tree(child))]


def proportional_kib(pid: int) -> int:
    """Return 0 on systems without smaps_rollup."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _ticks(pid: int) -> int:
    """Return user and kernel time. The process name, in parentheses, may contain anything."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
