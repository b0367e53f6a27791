"""The key files: which PEM files are accepted, and how a running process reloads them."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pytest_django import Settings

from accounts.testing.key_files import key_in, rotate
from accounts.tokens.keys import files, ring
from accounts.tokens.keys import key as signing_key
from accounts.tokens.keys.checks import check_key_files
from accounts.tokens.keys.files import State
from accounts.tokens.keys.ring import KeyRing
from core.environment.env import BadVariable


def _pem(private: Any, form: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> bytes:
    encryption: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    return bytes(private.private_bytes(Encoding.PEM, form, encryption))


ED25519 = ed25519.Ed25519PrivateKey.generate()
PUBLIC = ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
UNUSABLE: dict[str, Callable[[], bytes]] = {
    "RSA key of 1024 bits": lambda: _pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - that is the point
    "curve secp384r1": lambda: _pem(ec.generate_private_key(ec.SECP384R1())),
    "curve secp256k1": lambda: _pem(ec.generate_private_key(ec.SECP256K1())),
    "another kind": lambda: _pem(ed448.Ed448PrivateKey.generate()),
    "must be Ed25519, P-256 or RSA": lambda: _pem(x25519.X25519PrivateKey.generate()),
    "is encrypted": lambda: _pem(ED25519, password=b"hunter2"),
    "no private key in PEM": lambda: PUBLIC,
    "holds no private key": lambda: b"hunter2",
    "private key in PEM": lambda: b"",
    "P-256 or RSA": lambda: _pem(dsa.generate_private_key(2048)),
}


@pytest.fixture
def check_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the files on each use, instead of every two seconds."""
    monkeypatch.setattr(ring, "_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(ring, "_RECHECK_SECONDS", 0.0)


def _kids(keys: KeyRing) -> set[str]:
    return set(keys.keys().by_id)


@pytest.mark.parametrize(
    ("pem", "algorithm"),
    [
        (_pem(ED25519), "EdDSA"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "ES256"),
        (_pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL), "ES256"),
        (_pem(rsa.generate_private_key(65537, 2048)), "RS256"),
        (_pem(rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL), "RS256"),
    ],
)
def test_the_key_type_determines_the_algorithm(pem: bytes, algorithm: str) -> None:
    assert signing_key.load(pem).algorithm == algorithm


@pytest.mark.parametrize("problem", UNUSABLE)
def test_an_unusable_key_is_rejected_with_the_name_of_the_variable(
    tmp_path: Path, settings: Settings, problem: str
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(UNUSABLE[problem]())
    settings.JWT_PRIVATE_KEYS = [str(path)]

    with pytest.raises(BadVariable) as error:
        ring.current()

    assert str(error.value).startswith("JWT_PRIVATE_KEYS ")
    assert problem in str(error.value)
    assert str(path) in str(error.value)
    assert "hunter2" not in str(error.value)


def test_one_bad_file_among_good_ones_is_rejected(tmp_path: Path, settings: Settings) -> None:
    rotate(tmp_path)
    (tmp_path / "x.pem").write_bytes(PUBLIC)
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]

    with pytest.raises(BadVariable, match=r"x\.pem"):
        ring.current()


def test_a_missing_key_file_is_named_in_the_error(tmp_path: Path, settings: Settings) -> None:
    settings.JWT_PRIVATE_KEYS = [str(tmp_path / "gone.pem")]

    with pytest.raises(BadVariable, match=r"does not exist: .*gone\.pem"):
        ring.current()


def test_the_error_for_a_directory_without_keys_says_how_to_create_one(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "README.txt").write_text("keys go here")
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]

    with pytest.raises(BadVariable, match="manage.py rotate_keys --directory"):
        ring.current()


def test_drafts_and_other_files_of_a_directory_are_not_read(tmp_path: Path) -> None:
    rotate(tmp_path)
    (tmp_path / ".draft.pem").write_bytes(b"half")
    (tmp_path / "notes.txt").write_bytes(b"hello")

    assert len(_kids(KeyRing((str(tmp_path),)))) == 2


def test_a_running_process_reloads_rotated_keys(tmp_path: Path, check_each_time: None) -> None:
    rotate(tmp_path)
    keys = KeyRing((str(tmp_path),))
    before = keys.keys()

    rotate(tmp_path)

    assert keys.keys() is not before
    assert keys.keys() is keys.keys()
    assert keys.keys().signing.kid == key_in(tmp_path, State.ACTIVE).key.kid
    assert len(_kids(keys)) == 3


def test_an_overwritten_file_is_read_again(tmp_path: Path, check_each_time: None) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(signing_key.generate("EdDSA"))
    keys = KeyRing((str(path),))
    before = _kids(keys)

    path.write_bytes(signing_key.generate("ES256"))

    assert _kids(keys).isdisjoint(before)


def test_unreadable_files_leave_the_loaded_keys_in_use(
    tmp_path: Path, check_each_time: None, caplog: pytest.LogCaptureFixture
) -> None:
    rotate(tmp_path)
    keys = KeyRing((str(tmp_path),))
    before = _kids(keys)

    (tmp_path / "half.pem").write_bytes(b"-----BEGIN")
    with caplog.at_level(logging.ERROR):
        assert [_kids(keys) for _ in range(5)] == [before] * 5

    assert caplog.text.count("half.pem") == 1  # logged once, not every two seconds
    (tmp_path / "half.pem").unlink()
    rotate(tmp_path)
    assert len(_kids(keys)) == 3


def test_the_next_key_signs_if_the_only_active_one_is_removed(tmp_path: Path, check_each_time: None) -> None:
    rotate(tmp_path)
    keys = KeyRing((str(tmp_path),))

    key_in(tmp_path, State.ACTIVE).path.unlink()

    assert _kids(keys) == {keys.keys().signing.kid} == {key_in(tmp_path, State.NEXT).key.kid}


def test_an_emptied_directory_leaves_the_loaded_keys_in_use(tmp_path: Path, check_each_time: None) -> None:
    rotate(tmp_path)
    keys = KeyRing((str(tmp_path),))
    before = _kids(keys)

    for path in tmp_path.iterdir():
        path.unlink()

    assert _kids(keys) == before


def test_key_files_are_checked_every_two_seconds_at_any_request_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(tmp_path)
    keys, checks = KeyRing((str(tmp_path),)), []
    signature, start = files.signature, time.monotonic()
    monkeypatch.setattr(files, "signature", lambda paths: checks.append(1) or signature(paths))  # type: ignore[func-returns-value]

    for elapsed in (0.5, 1.0, 1.9, 2.1, 2.2, 4.0, 4.2):
        monkeypatch.setattr(time, "monotonic", lambda elapsed=elapsed: start + elapsed)
        keys.keys()

    assert len(checks) == 2


def test_unknown_kids_cause_at_most_four_file_checks_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate(tmp_path)
    keys, checks = KeyRing((str(tmp_path),)), []
    signature, start = files.signature, time.monotonic() + 1
    monkeypatch.setattr(files, "signature", lambda paths: checks.append(1) or signature(paths))  # type: ignore[func-returns-value]

    for hundredth in range(100):
        monkeypatch.setattr(time, "monotonic", lambda hundredth=hundredth: start + hundredth / 100)
        assert keys.find(f"invented-{hundredth}") is None

    assert len(checks) == 4


def test_a_new_key_is_found_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "_RECHECK_SECONDS", 0.0)
    rotate(tmp_path)
    keys = KeyRing((str(tmp_path),))

    rotate(tmp_path)

    assert keys.find(key_in(tmp_path, State.NEXT).key.kid) is not None


def test_a_world_readable_key_causes_a_warning(tmp_path: Path, settings: Settings) -> None:
    rotate(tmp_path)
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]
    assert check_key_files() == []

    os.chmod(path := key_in(tmp_path, State.ACTIVE).path, 0o644)

    (warning,) = check_key_files()
    assert warning.id == "vestibule.W010"
    assert path.name in warning.msg


def test_the_repr_of_a_key_contains_no_secret(tmp_path: Path) -> None:
    rotate(tmp_path)

    text = repr(key_in(tmp_path, State.ACTIVE)) + repr(KeyRing((str(tmp_path),)).keys())

    assert "PrivateKey" not in text
