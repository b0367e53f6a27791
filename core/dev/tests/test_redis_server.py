"""The embedded Redis responds, is private, and stops with its parent."""

import subprocess
from pathlib import Path

import pytest
import redis

from core import paths
from core.dev import redis_server
from core.dev.tests.conftest import StartParent, ends_within
from core.web_server.bind_address import StartupError


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(paths, "BASE_DIR", tmp_path)
    return tmp_path


def test_the_test_redis_listens_on_a_private_socket_and_leaves_no_files() -> None:
    server = redis_server.start_for_tests()

    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    assert server.socket.stat().st_mode & 0o077 == 0
    server.stop()

    assert not server.folder.exists()
    assert server.process.returncode == 0


def test_the_redis_of_a_checkout_keeps_its_data(checkout: Path) -> None:
    server = redis_server.start_for_development()
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", "yes")
    server.stop()

    server = redis_server.start_for_development()
    with redis.Redis.from_url(server.url) as client:
        kept = client.get("kept")
    server.stop()

    assert kept == b"yes"


def test_a_second_redis_on_the_same_data_is_refused_with_one_sentence(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "_LOCK_SECONDS", 0)
    server = redis_server.start_for_development()

    with pytest.raises(StartupError, match="already running in this folder"):
        redis_server.start_for_development()

    assert redis_server.is_alive(server.socket)
    server.stop()


def test_a_redis_that_fails_to_start_shows_its_log(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "redis_socket", lambda: checkout / "no-such-folder" / "redis.sock")

    with pytest.raises(StartupError, match=r"(?s)exited with code 1.*Unix socket"):
        redis_server.start_for_development()


def test_an_outdated_redis_server_is_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho Redis server v=5.0.14 sha=0\n")
    old.chmod(0o700)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("shutil.which", lambda name: str(old) if name == "redis-server" else None)

    with pytest.raises(StartupError, match=r"6\.2 or newer"):
        redis_server.start_for_tests()


@pytest.mark.parametrize("server", ["redis", "postgresql"])
def test_no_server_outlives_a_killed_parent(start_parent: StartParent, server: str) -> None:
    parent = start_parent(server)
    pid = int(_line(parent))

    parent.kill()

    assert ends_within(pid, seconds=5)


def _line(parent: subprocess.Popen[str]) -> str:
    assert parent.stdout is not None
    return parent.stdout.readline()
