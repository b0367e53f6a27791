"""The supervisor: one for all and all for one."""

import io
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dev import supervisor as module
from core.dev.console import Console
from core.dev.supervisor import ChildEnded, StopRequested, Supervisor
from core.dev.tests.conftest import StartParent, ends_within, is_running
from core.dev.tests.stand_in import STUBBORN
from core.paths import BASE_DIR

PYTHON = shlex.quote(sys.executable)  # its folder may have a space in its name


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(output: io.StringIO, tmp_path: Path) -> Iterator[Supervisor]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield Supervisor(Console(output), folder=tmp_path, environment={"SPOKEN": "hello"})
    for number, handler in before.items():
        signal.signal(number, handler)


def run(supervisor: Supervisor, children: dict[str, list[str]]) -> None:
    with supervisor:
        for name, command in children.items():
            supervisor.start(name, command)
        supervisor.run_until_stopped()


def run_once(supervisor: Supervisor, *commands: list[str]) -> None:
    with supervisor:
        for command in commands:
            supervisor.run_to_end("migrate", command)


def grandchild(output: io.StringIO) -> int:
    """The process id that the stubborn child has printed; 0 until it has."""
    found = re.search(r"grandchild (\d+)\n", output.getvalue())
    return int(found[1]) if found else 0


def _answers_hangup(before: object) -> bool:
    """Whether a supervisor that starts under this handler of SIGHUP replaces it."""
    kept = signal.signal(signal.SIGHUP, before)  # type: ignore[arg-type]
    try:
        with Supervisor(Console(io.StringIO()), folder=Path(), environment={}):
            return signal.getsignal(signal.SIGHUP) is not before
    finally:
        signal.signal(signal.SIGHUP, kept)


def test_a_hangup_stops_the_supervisor_except_under_nohup(supervisor: Supervisor) -> None:
    assert _answers_hangup(signal.SIG_DFL)
    assert not _answers_hangup(signal.SIG_IGN)


def test_the_supervisor_stops_when_its_output_is_closed() -> None:
    started = time.monotonic()

    result = subprocess.run(
        ["bash", "-c", f"{PYTHON} -m core.dev.tests.stand_in talker | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=BASE_DIR, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip

    assert result.stdout.splitlines() == ["web     | hello", "0"]
    assert result.stderr == ""
    assert time.monotonic() - started < 45


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_manage_py_runs_with_closed_streams(closed: str) -> None:
    result = subprocess.run(
        ["sh", "-c", f"{PYTHON} manage.py check {closed}"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr


def test_characters_missing_from_the_locale_lose_no_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as log:
        Console(log).line("web", "café")

    assert (tmp_path / "log").read_text() == "web     | caf?\n"


def test_the_death_of_one_child_stops_all_others(supervisor: Supervisor, output: io.StringIO) -> None:
    children = {"worker": ["sh", "-c", "echo number $$; exec sleep 60"], "web": ["sh", "-c", "sleep 0.2; exit 3"]}

    with pytest.raises(ChildEnded, match="web exited with code 3"):
        run(supervisor, children)

    worker = int(output.getvalue().split("worker  | number ")[1].split()[0])
    assert not is_running(worker)
    assert "run_dev | web exited with code 3; stopping everything.\n" in output.getvalue()


def test_the_output_of_a_child_is_prefixed_with_its_name(supervisor: Supervisor, output: io.StringIO) -> None:
    run_once(supervisor, ["sh", "-c", "echo $SPOKEN; echo twice >&2"])

    assert output.getvalue() == "migrate | hello\nmigrate | twice\n"


def test_a_signal_stops_all_children(supervisor: Supervisor, output: io.StringIO) -> None:
    supervisor.when(lambda: "started" in output.getvalue(), lambda: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(StopRequested):
        run(supervisor, {"web": ["sh", "-c", "echo started; exec sleep 60"]})

    assert "Received a signal; stopping everything." in output.getvalue()


def test_a_child_that_ignores_sigterm_is_killed_with_its_children(
    supervisor: Supervisor, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.3)
    monkeypatch.setattr(module, "_MIN_GRACE_SECONDS", 0.1)
    supervisor.when(lambda: grandchild(output) > 0, lambda: signal.raise_signal(signal.SIGINT))

    with pytest.raises(StopRequested):
        run(supervisor, {"web": STUBBORN})

    assert ends_within(grandchild(output), seconds=2)


def test_a_killed_child_leaves_no_grandchildren(supervisor: Supervisor, output: io.StringIO) -> None:
    with pytest.raises(ChildEnded, match="web was killed by SIGKILL"):
        run(supervisor, {"web": ["sh", "-c", "sleep 60 & echo grandchild $!; sleep 0.3; kill -9 $$"]})

    assert ends_within(grandchild(output), seconds=2)


def test_a_process_that_fails_after_running_is_restarted(
    supervisor: Supervisor, output: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_RESTART_AFTER_SECONDS", 0.2)
    mark = tmp_path / "second"
    first_fails = f"if [ -e {mark} ]; then echo again; exec sleep 60; fi; touch {mark}; sleep 0.4; exit 1"
    supervisor.when(lambda: "again" in output.getvalue(), lambda: signal.raise_signal(signal.SIGTERM))

    with pytest.raises(StopRequested), supervisor:
        supervisor.start("beat", ["sh", "-c", first_fails], restarts=True)
        supervisor.run_until_stopped()

    assert "run_dev | beat exited with code 1; restarting it.\n" in output.getvalue()


@pytest.mark.parametrize(("command", "seconds"), [("exit 1", 10.0), ("exit 0", 0.0)], ids=["at once", "well"])
def test_a_process_that_fails_at_once_or_exits_with_zero_is_not_restarted(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, command: str, seconds: float
) -> None:
    monkeypatch.setattr(module, "_RESTART_AFTER_SECONDS", seconds)

    with pytest.raises(ChildEnded, match="worker exited"), supervisor:
        supervisor.start("worker", ["sh", "-c", command], restarts=True)
        supervisor.run_until_stopped()


def test_a_failing_one_time_process_stops_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(ChildEnded, match="migrate exited with code 1"):
        run_once(supervisor, ["true"], ["false"])


def test_no_process_outlives_a_killed_supervisor(start_parent: StartParent) -> None:
    parent = start_parent("sleeper")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_running(child)

    parent.kill()

    assert ends_within(child, seconds=3)


def test_the_supervisor_stops_when_its_parent_exits() -> None:
    # The shell is its parent, and ends while it starts.
    command = f"{PYTHON} -m core.dev.tests.stand_in supervisor & sleep 1.5; kill -9 $$"

    result = subprocess.run(
        ["sh", "-c", command], cwd=BASE_DIR, capture_output=True, text=True, check=False, timeout=20
    )

    assert "The parent process is gone; stopping everything." in result.stdout
