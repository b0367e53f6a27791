"""Composed (NFC) and decomposed (NFD) forms of a password are one password, also for old hashes."""

import ast
import io
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.core.management import call_command

from accounts.models import User
from accounts.passwords import hashing
from accounts.passwords.hashers import BCryptHasher
from accounts.passwords.hashing import MAX_LENGTH
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import enrol
from core.paths import BASE_DIR

SignIn = Callable[..., SignedIn]

NFC = "P\u00e4ssw\u00f6rter-9"
NFD = unicodedata.normalize("NFD", NFC)
MIXED = "Pa\u0308ssw\u00f6rter-9"
FORMS = [NFC, NFD, MIXED]
_DIRECT = {"make_password", "check_password", "acheck_password", "verify_password"}


def _is_accepted(password: str) -> bool:
    return ApiClient().post("/login", {"username": "alice", "password": password}).status_code == 200


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the passwords that are hashed."""
    made: list[str] = []
    encode = BCryptHasher.encode

    def note(self: BCryptHasher, password: str, salt: Any) -> str:
        made.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(BCryptHasher, "encode", note)
    return made


def _register(password: str) -> None:
    form = {"email": "alice@example.com", "username": "alice", "password": password}
    assert ApiClient().post("/register", form).status_code == 201


def _create_by_an_administrator(password: str) -> None:
    User.objects.create_user(
        "carol", "carol@example.com", PASSWORD, role="ADMIN", email_verified_at="2026-01-01T00:00Z"
    )
    login = ApiClient().post("/login", {"username": "carol", "password": PASSWORD}).json()["data"]
    form = {"email": "alice@example.com", "username": "alice", "password": password}
    assert ApiClient().bearing(login["token"]).post("/users", form).status_code == 201


def _in_a_shell(password: str) -> None:
    User.objects.create_user("alice", "alice@example.com", password)


@pytest.mark.django_db
@pytest.mark.parametrize("set_password", [_register, _create_by_an_administrator, _in_a_shell])
@pytest.mark.parametrize("password", FORMS)
def test_a_password_set_in_any_form_is_accepted_in_every_form(set_password: Any, password: str) -> None:
    set_password(password)
    User.objects.filter(username="alice").update(email_verified_at="2026-01-01T00:00Z")

    assert [_is_accepted(form) for form in FORMS] == [True] * 3
    assert hashers.check_password(NFC, User.objects.get(username="alice").password)


@pytest.mark.parametrize("old", FORMS)
@pytest.mark.parametrize("typed", FORMS)
def test_a_hash_of_an_unnormalized_password_matches_and_is_upgraded(
    alice: User, old: str, typed: str, sign_in: SignIn
) -> None:
    """A hash of a form that mixes NFC and NFD matches that form only."""
    earlier = sign_in(alice)
    User.objects.filter(id=alice.id).update(password=hashers.make_password(old))
    matches = old != MIXED or typed == MIXED

    assert _is_accepted(typed) is matches

    assert hashers.check_password(NFC if matches else old, User.objects.get(id=alice.id).password)
    assert earlier.client.get("/me").status_code == 200


@pytest.mark.parametrize("old", [NFC, NFD])
def test_every_prompt_accepts_every_form(alice: User, sign_in: SignIn, old: str) -> None:
    User.objects.filter(id=alice.id).update(password=hashers.make_password(old))
    other = NFD if old == NFC else NFC
    signed_in = sign_in(alice, password=old)
    enrol(signed_in)
    client = signed_in.client
    User.objects.filter(id=alice.id).update(password=hashers.make_password(old))

    assert client.post("/change-email", {"newEmail": "a@example.org", "password": other}).status_code == 200
    assert client.post("/mfa/recovery-codes", {"password": other}).status_code == 200
    assert client.delete("/mfa/totp", {"password": other}).status_code == 200
    same = client.post("/change-password", {"currentPassword": other, "newPassword": old})
    assert (same.status_code, list(same.json()["errors"])) == (400, ["newPassword"])
    assert client.delete("/me", {"password": other}).status_code == 200


@pytest.mark.parametrize("password", [NFC, NFD, "Wrong-Horse-7"])
@pytest.mark.parametrize("is_active", [True, False])
def test_a_rejected_login_computes_as_many_hashes_for_every_account(
    alice: User, hashed: list[str], password: str, is_active: bool
) -> None:
    """A difference in time would reveal which accounts exist (CVE-2024-39329)."""
    User.objects.filter(id=alice.id).update(is_active=is_active)
    counts = []

    for username in ("alice", "unknown"):
        hashed.clear()
        assert not ApiClient().post("/login", {"username": username, "password": password}).json()["success"]
        counts.append(len(hashed))

    assert counts == ([1, 1] if password.isascii() else [2, 2])


def test_correct_and_wrong_passwords_of_a_deactivated_account_cost_the_same(alice: User, hashed: list[str]) -> None:
    User.objects.filter(id=alice.id).update(is_active=False, password=hashers.make_password(NFC))
    hashed.clear()

    ApiClient().post("/login", {"username": "alice", "password": NFC})

    assert len(hashed) == 2


def test_a_password_of_ascii_costs_one_hash(alice: User, hashed: list[str], sign_in: SignIn) -> None:
    hashed.clear()

    sign_in(alice)

    assert hashed == [PASSWORD]


@pytest.mark.parametrize(
    ("password", "is_fit"),
    [
        ("Aa1" + "\u00e4" * (MAX_LENGTH - 3), True),
        ("Aa1" + "a\u0308" * (MAX_LENGTH - 3), True),
        ("Aa1" + "a\u0308" * (MAX_LENGTH - 2), False),
        ("Aa1" + "\ufb2c" * 42, False),  # NFC makes three characters of one
        ("Aa1" + "a\u0308" * 4, False),  # seven characters in NFC
        ("Aa1" + "\u0301\u0316" * 15_000, False),
    ],
)
@pytest.mark.timeout(10)
def test_the_length_counts_in_the_form_that_is_hashed(api: ApiClient, db: None, password: str, is_fit: bool) -> None:
    response = api.post("/register", {"email": "eve@example.com", "username": "eve", "password": password})

    assert response.status_code == (201 if is_fit else 400)
    if is_fit:
        assert User.objects.get().check_password(password)
    else:
        assert list(response.json()["errors"]) == ["password"]
        assert api.post("/login", {"username": "eve", "password": password}).status_code in {400, 401}


def test_only_the_normalizing_module_hashes_and_checks_passwords() -> None:
    offenders = []
    for app in ("accounts", "config", "core", "sessions_tracking"):
        for path in sorted((BASE_DIR / app).rglob("*.py")):
            if "tests" in path.parts or path.name == "password_hashing.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "django.contrib.auth.hashers":
                    offenders += [f"{path.name}: {name.name}" for name in node.names if name.name in _DIRECT]

    assert offenders == []


def test_create_admin_normalizes_the_password_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(NFD))

    call_command("create_admin", "ada@example.com", "ada", "--password-stdin")

    assert hashing.verify(NFC, User.objects.get().password) == (True, False)
