"""docker/debian/upgrade.sh: a release that cannot be built, migrated or started leaves the former one serving."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.tests import machine as machines
from core.tests.machine import Machine

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(300)]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = machines.make(tmp_path)
    try:
        deadline = time.monotonic() + 20
        while made.versions() != ["first", "first"] and time.monotonic() < deadline:
            time.sleep(0.05)
        yield made
    finally:
        made.stop()


@contextmanager
def never_down(machine: Machine) -> Iterator[None]:
    """Assert that at least one of the two web processes responds at any time; nginx retries on the other."""
    down: list[float] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            if machine.versions() == [None, None]:
                down.append(time.monotonic())
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
    assert down == []


def assert_nothing_changed(machine: Machine) -> None:
    assert machine.versions() == ["first", "first"]
    assert machine.current() == "first"
    assert (machine.root / "units" / "vestibule-web@.service").read_text() == "# first\n"


def test_an_upgrade_keeps_one_of_two_web_processes_serving(machine: Machine) -> None:
    machine.release("second")

    with never_down(machine):
        done = machine.upgrade()

    assert done.returncode == 0, done.stderr
    assert machine.versions() == ["second", "second"]
    assert machine.current() != "first"
    assert machine.releases()[1:] == ["first"]
    assert (machine.root / "units" / "vestibule-web@.service").read_text() == "# second\n"


@pytest.mark.parametrize(
    ("marks", "requirements"),
    [((), "./nothing-of-this-name"), (("fail-check",), ""), (("fail-migrate",), "")],
    ids=["pip", "check", "migration"],
)
def test_a_release_that_fails_to_prepare_changes_nothing(
    machine: Machine, marks: tuple[str, ...], requirements: str
) -> None:
    machine.release("second", *marks, requirements=requirements)

    with never_down(machine):
        done = machine.upgrade()

    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert_nothing_changed(machine)
    assert machine.releases() == ["first"]


@pytest.mark.parametrize("mark", ["not-ready", "fail-serve"])
def test_a_release_that_does_not_become_ready_is_rolled_back(machine: Machine, mark: str) -> None:
    machine.release("second", mark)

    with never_down(machine):
        done = machine.upgrade(READY_SECONDS="4")

    assert done.returncode == 1
    assert "the former release runs again" in done.stderr
    assert_nothing_changed(machine)


def test_the_upgrade_script_checks_its_requirements_first(machine: Machine, tmp_path: Path) -> None:
    machine.release("second")
    machine._git("--git-dir", str(machine.root / "releases" / "first" / ".git"), "remote", "remove", "origin")

    assert "which repository?" in machine.upgrade().stderr
    assert "usage" in machine.upgrade("a", "b", "c").stderr
    assert "names no release" in machine.upgrade(VESTIBULE_ROOT=str(tmp_path / "nowhere")).stderr
    assert machine.upgrade(str(tmp_path / "nowhere")).returncode != 0
    assert_nothing_changed(machine)
    assert machine.releases() == ["first"]


def test_a_locally_edited_unit_is_kept(machine: Machine) -> None:
    unit = machine.root / "units" / "vestibule-web@.service"
    unit.write_text("# mine\n")
    machine.release("second")

    done = machine.upgrade()

    assert done.returncode == 0, done.stderr
    assert unit.read_text() == "# mine\n"
    assert f"Kept {unit}" in done.stdout
