"""A parent process for tests to kill: it starts the given server, prints its process ID and waits."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from core.dev import postgres_server, processes, redis_server
from core.dev.console import Console
from core.dev.supervisor import StopRequested, Supervisor

SLEEPER = ["sleep", "60"]
# Ignores SIGTERM and has a child that ignores it too.
STUBBORN = ["sh", "-c", "trap '' TERM; sleep 60 & echo grandchild $!; sleep 60"]


def main(what: str) -> None:
    if what == "supervisor":
        with Supervisor(Console(), folder=Path(), environment={}, parent=os.getppid()) as supervisor:
            supervisor.start("web", SLEEPER)
            supervisor.run_until_stopped()
    if what == "talker":
        _talk()
        return
    sys.stdout.write(f"{_start(what).pid}\n")
    sys.stdout.flush()
    time.sleep(60)


def _talk() -> None:
    """Prints hello until it is stopped."""
    with suppress(StopRequested), Supervisor(Console(), folder=Path(), environment={}) as supervisor:
        supervisor.start("web", ["sh", "-c", "while :; do echo hello; sleep 0.2; done"])
        supervisor.run_until_stopped()


def _start(what: str) -> subprocess.Popen[bytes]:
    if what == "redis":
        return redis_server.start_for_tests().process
    if what == "postgresql":
        return postgres_server.start_for_tests().process
    return processes.start(SLEEPER)


if __name__ == "__main__":
    main(sys.argv[1])
