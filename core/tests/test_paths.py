"""The path of the Redis socket, which must be short and private."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import paths


def test_the_socket_is_in_var_if_the_path_is_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "BASE_DIR", tmp_path)
    monkeypatch.setattr(paths, "_MAX_SOCKET_PATH", 1000)

    assert paths.redis_socket() == tmp_path / "var" / "redis.sock"
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_long_path_moves_the_socket_to_a_private_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, short_tmp: Path
) -> None:
    _long_checkout(monkeypatch, tmp_path)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(short_tmp))

    socket = paths.redis_socket()

    assert socket.parent.parent == short_tmp
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert paths.redis_socket() == socket


def test_a_folder_writable_by_others_is_not_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _long_checkout(monkeypatch, tmp_path)
    paths.redis_socket().parent.chmod(0o770)

    with pytest.raises(RuntimeError, match="not a private folder"):
        paths.redis_socket()


@pytest.mark.parametrize("name", ["deep" * 40, "bl ank/" + "deep" * 12])
def test_a_temporary_folder_with_a_too_long_path_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    _long_checkout(monkeypatch, tmp_path)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / name))

    assert paths.fits_socket(paths.redis_socket())


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o750])
def test_data_of_an_older_clone_becomes_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int) -> None:
    monkeypatch.setattr(paths, "BASE_DIR", tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var").chmod(mode)

    assert paths.var_dir().stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_private_file_is_private_with_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        paths.create_private(tmp_path / "file")
    finally:
        os.umask(before)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def _long_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    checkout = tmp_path / ("long" * 40)
    checkout.mkdir()
    monkeypatch.setattr(paths, "BASE_DIR", checkout)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
