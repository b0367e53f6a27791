"""`manage.py rotate_keys` rotates the key files of a directory, whatever their state."""

import fcntl
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.testing.key_files import key_in, keys_in, rotate, states_in
from accounts.tokens.keys.files import State
from accounts.tokens.keys.key import ALGORITHMS


def test_the_first_run_creates_an_active_and_a_next_key(tmp_path: Path) -> None:
    directory = tmp_path / "not" / "there" / "yet"

    output = rotate(directory)

    assert states_in(directory) == {"next": 1, "active": 1}
    assert {file.key.algorithm for file in keys_in(directory)} == {"EdDSA"}
    assert all(file.key.kid in output for file in keys_in(directory))


def test_a_rotation_changes_next_to_active_and_active_to_retired(tmp_path: Path) -> None:
    rotate(tmp_path)
    first, second = key_in(tmp_path, State.ACTIVE).key.kid, key_in(tmp_path, State.NEXT).key.kid

    rotate(tmp_path)

    assert key_in(tmp_path, State.RETIRED).key.kid == first
    assert key_in(tmp_path, State.ACTIVE).key.kid == second
    assert key_in(tmp_path, State.NEXT).key.kid not in {first, second}


def test_a_key_file_is_private_and_named_after_kid_state_and_time(tmp_path: Path) -> None:
    with time_machine.travel(datetime(2026, 11, 21, 9, 30, tzinfo=UTC), tick=False):
        rotate(tmp_path / "keys")

    active = key_in(tmp_path / "keys", State.ACTIVE)
    assert active.path.name == f"2026-11-21T09-30-00Z-{active.key.kid}.active.pem"
    assert stat.S_IMODE(active.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert len(list((tmp_path / "keys").iterdir())) == 2  # no temporary file is left


def test_a_retired_key_is_kept_while_its_tokens_are_valid(tmp_path: Path, settings: Settings) -> None:
    settings.JWT_ACCESS_EXPIRY = timedelta(hours=1)
    now = datetime.now(UTC)
    rotate(tmp_path)
    rotate(tmp_path)
    retired = key_in(tmp_path, State.RETIRED).key.kid

    with time_machine.travel(now + timedelta(minutes=59)):
        rotate(tmp_path)
    assert retired in {file.key.kid for file in keys_in(tmp_path)}

    with time_machine.travel(now + timedelta(minutes=62)):
        rotate(tmp_path)
    assert retired not in {file.key.kid for file in keys_in(tmp_path)}
    assert states_in(tmp_path) == {"next": 1, "active": 1, "retired": 2}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_algorithm_is_kept_by_later_rotations(tmp_path: Path, algorithm: str) -> None:
    rotate(tmp_path, "--algorithm", algorithm)
    rotate(tmp_path)

    assert {file.key.algorithm for file in keys_in(tmp_path)} == {algorithm}


def test_a_new_algorithm_starts_with_the_next_key(tmp_path: Path) -> None:
    rotate(tmp_path)

    rotate(tmp_path, "--algorithm", "ES256")

    assert key_in(tmp_path, State.ACTIVE).key.algorithm == "EdDSA"
    assert key_in(tmp_path, State.NEXT).key.algorithm == "ES256"


def test_a_new_rsa_key_has_3072_bits(tmp_path: Path) -> None:
    rotate(tmp_path, "--algorithm", "RS256")

    key = key_in(tmp_path, State.ACTIVE).key.private
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 3072


@pytest.mark.parametrize("option", ["--dry-run", "--list"])
def test_dry_run_and_list_change_nothing(tmp_path: Path, option: str) -> None:
    assert rotate(tmp_path / "keys", option)  # before any key exists
    assert not (tmp_path / "keys").exists()
    rotate(tmp_path / "keys")
    before = sorted((tmp_path / "keys").iterdir())

    output = rotate(tmp_path / "keys", option)

    assert sorted((tmp_path / "keys").iterdir()) == before
    assert key_in(tmp_path / "keys", State.NEXT).key.kid in output


def test_activating_a_recently_published_key_prints_a_warning(tmp_path: Path) -> None:
    rotate(tmp_path)

    assert "may not know it yet" in rotate(tmp_path)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert "may not know it yet" not in rotate(tmp_path)


def test_a_run_completes_an_interrupted_one(tmp_path: Path) -> None:
    rotate(tmp_path)
    waiting = key_in(tmp_path, State.NEXT)
    rotate(tmp_path / "other")  # as if the new next key had been made, and the rest not
    key_in(tmp_path / "other", State.NEXT).path.rename(tmp_path / "2099-01-01T00-00-00Z-later.next.pem")
    assert states_in(tmp_path) == {"next": 2, "active": 1}

    rotate(tmp_path)

    assert key_in(tmp_path, State.ACTIVE).key.kid == waiting.key.kid
    assert states_in(tmp_path) == {"next": 1, "active": 1, "retired": 1}


def test_two_active_keys_are_both_retired(tmp_path: Path) -> None:
    rotate(tmp_path)
    shutil.copy(_existing_key(tmp_path), tmp_path / "own.pem")

    rotate(tmp_path)

    assert states_in(tmp_path) == {"next": 1, "active": 1, "retired": 2}


def test_the_first_run_keeps_an_existing_key_active(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    shutil.copy(_existing_key(tmp_path), tmp_path / "keys" / "own.pem")

    rotate(tmp_path / "keys")

    assert states_in(tmp_path / "keys") == {"next": 1, "active": 1}
    assert key_in(tmp_path / "keys", State.ACTIVE).path.name == "own.pem"


def _existing_key(tmp_path: Path) -> Path:
    rotate(tmp_path / "elsewhere")
    return key_in(tmp_path / "elsewhere", State.ACTIVE).path


def test_two_files_of_one_key_count_once(tmp_path: Path) -> None:
    rotate(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        rotate(tmp_path / "here")

    shutil.copytree(tmp_path / "here", tmp_path / "there", dirs_exist_ok=True)

    assert len(list((tmp_path / "there").iterdir())) == 5
    assert states_in(tmp_path / "there") == {"next": 1, "active": 1, "retired": 1}


def test_a_concurrent_rotation_is_rejected(tmp_path: Path) -> None:
    rotate(tmp_path)
    before = sorted(tmp_path.iterdir())
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)

    with pytest.raises(CommandError, match="another process"):
        rotate(tmp_path)

    os.close(handle)
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_without_a_key_is_an_error_before_any_change(tmp_path: Path) -> None:
    rotate(tmp_path)
    (tmp_path / "notes.pem").write_text("hunter2")
    before = sorted(tmp_path.iterdir())

    with pytest.raises(CommandError, match=r"holds no private key in PEM: .*notes\.pem") as stopped:
        rotate(tmp_path)

    assert "hunter2" not in str(stopped.value)
    assert sorted(tmp_path.iterdir()) == before


def test_the_default_directory_is_that_of_the_settings(tmp_path: Path, settings: Settings) -> None:
    settings.JWT_PRIVATE_KEYS = [str(tmp_path / "keys")]
    call_command("rotate_keys", verbosity=0)
    assert states_in(tmp_path / "keys") == {"next": 1, "active": 1}

    settings.JWT_PRIVATE_KEYS = ["/a.pem", "/b.pem"]
    with pytest.raises(CommandError, match="--directory"):
        call_command("rotate_keys")
