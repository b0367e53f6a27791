"""The place of the Redis socket, which must be short and private."""

from pathlib import Path

import pytest

from config.embedded import paths


def test_the_socket_is_in_var_where_the_path_is_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "BASE_DIR", tmp_path)
    monkeypatch.setattr(paths, "_LONGEST_SOCKET_PATH", 1000)

    assert paths.redis_socket() == tmp_path / "var" / "redis.sock"
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_a_long_path_moves_the_socket_to_a_private_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _long_checkout(monkeypatch, tmp_path)

    socket = paths.redis_socket()

    assert socket.parent.parent == tmp_path
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert paths.redis_socket() == socket


def test_a_folder_that_others_may_write_is_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _long_checkout(monkeypatch, tmp_path)
    paths.redis_socket().parent.chmod(0o770)

    with pytest.raises(RuntimeError, match="not a private folder"):
        paths.redis_socket()


def _long_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = tmp_path / ("long" * 40)
    checkout.mkdir()
    monkeypatch.setattr(paths, "BASE_DIR", checkout)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
