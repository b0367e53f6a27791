"""A contender's server: prepared, started on its core, asked one thing at a time, weighed and stopped."""

import http.client
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import cores
from benchmarks.contender import PASSWORD, Contender, Tokens, token_in
from benchmarks.load.plan import Ask
from benchmarks.stores import Place
from core.dev import processes
from core.web_server import bind_address

USERS = 400
_HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


@dataclass(frozen=True)
class Server:
    contender: Contender
    place: Place
    port: int
    process: subprocess.Popen[bytes]

    def send(self, ask: Ask) -> Reply:
        connection = http.client.HTTPConnection(_HOST, self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request(ask.method, ask.path, ask.body or None, ask.all_headers())
            response = connection.getresponse()
            return Reply(response.status, response.read())
        finally:
            connection.close()

    def sign_in(self, number: int) -> Tokens:
        contender = self.contender
        assert contender.login is not None  # noqa: S101 - who cannot be signed in to is not asked
        reply = self.send(contender.login.filled(number=number))
        access = token_in(reply.body, contender.access)
        if not access:
            raise RuntimeError(f"{contender.label}: no login, {reply.status} {reply.body[:300]!r}")
        return Tokens(access, token_in(reply.body, contender.refresh_token))

    def sign_out(self, tokens: Tokens) -> Reply | None:
        if self.contender.logout is None:
            return None
        return self.send(self.contender.logout.filled(token=tokens.access, other=tokens.refresh))

    def memory_mib(self) -> float:
        """Of all its processes, what is shared among them counted once."""
        return sum(proportional_kib(pid) for pid in tree(self.process.pid)) / 1024

    def cpu_seconds(self) -> float:
        """What all its processes have taken of the processor so far."""
        return sum(_ticks(pid) for pid in tree(self.process.pid)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        processes.stop(self.process, grace=_STOP_SECONDS)


def prepare(contender: Contender, place: Place) -> None:
    """Migrates and seeds; each server of the contender finds it so."""
    for command in contender.prepare:
        subprocess.run(command, cwd=contender.folder, env=environment(contender, place), check=True)


def start(contender: Contender, place: Place, *, threads: int, logs: Path) -> Server:
    port, log = bind_address.free_port(_HOST), logs / f"{contender.name}.log"
    with log.open("ab") as output, cores.on_the_server_core():
        process = processes.start(
            contender.command(port, threads),
            cwd=contender.folder,
            env=environment(contender, place),
            stdout=output,
            stderr=output,
        )
    path = contender.me.path if contender.me else "/"
    try:
        processes.wait_until(lambda: bind_address.answers(_HOST, port, path), process, log=log, seconds=_START_SECONDS)
    except BaseException:
        processes.stop(process, grace=_STOP_SECONDS)
        raise
    found = Server(contender, place, port, process)
    if contender.is_seeded_by_requests:
        _seed(found)
    return found


def _seed(server: Server) -> None:
    """Once: whoever is there already is refused."""
    register = server.contender.register
    assert register is not None  # noqa: S101 - the contender says that it is so seeded
    named = replace(register, body=register.body.replace("new{number}", "user{number}"))
    for number in range(USERS):
        if server.send(named.filled(number=number)).status >= 400:
            return


def environment(contender: Contender, place: Place) -> dict[str, str]:
    """What its processes find: where its data are, what it is set to, and nothing else of this one's."""
    from_outside = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"BENCH_PASSWORD": PASSWORD, "BENCH_USERS": str(USERS), "ENV_FILE": os.devnull}
    return from_outside | place.environment | own | dict(contender.environment)


def tree(pid: int) -> Sequence[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [pid, *(found for child in children for found in tree(child))]


def proportional_kib(pid: int) -> int:
    """0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _ticks(pid: int) -> int:
    """Its time in user code and in the kernel; the name of a process, which is in parentheses, may hold anything."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
