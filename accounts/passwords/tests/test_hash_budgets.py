"""Rate limits count computed hashes, not failures. Cheaper checks run before a hash is computed."""

import ast
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.exceptions import UsernameTaken
from accounts.models import User
from accounts.passwords import hashing_limiter
from accounts.services import password_attempts
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.authentication_context import set_context
from accounts.testing.second_factor import enrol
from core.api.exceptions import RateLimited
from core.paths import BASE_DIR
from core.throttling.rates import Limit

SignIn = Callable[..., SignedIn]
WRONG, NEW = "Wrong-Horse-7", "Another-Horse-8"

# Each call that computes a hash, and what limits how often a client can cause it.
BUDGETS = {
    ("accounts/services/credential_check.py", "_match"): "RATE_LIMIT_LOGIN by network",
    ("accounts/services/credential_check.py", "_upgrade_hash"): "once for each user after BCRYPT_ROUNDS was raised",
    ("accounts/services/registration.py", "_hash"): "RATE_LIMIT_REGISTER by network",
    ("accounts/services/credential_check.py", "require_correct"): "RATE_LIMIT_HASHES by user",
    ("accounts/services/passwords.py", "reset"): "RATE_LIMIT_HASHES by user",
    ("accounts/services/passwords.py", "change"): "RATE_LIMIT_HASHES by user, counted by require_correct",
    ("accounts/services/administration/users.py", "update"): "RATE_LIMIT_WRITES by administrator",
    ("accounts/services/administration/users.py", "create"): "RATE_LIMIT_WRITES by administrator",
    ("accounts/services/administration/administrators.py", "create"): "a command",
    ("accounts/services/account_claim.py", "_remove_password"): "no hash: it makes the password unusable",
    ("accounts/models/user.py", "create_user"): "a command",
    ("accounts/models/user.py", "set_password"): "Django's admin and commands",
    ("accounts/models/user.py", "check_password"): "Django's own code alone",
}
_METHODS = {"check_password", "set_password", "acheck_password", "aset_password"}
_FUNCTIONS = {
    f"hashing.{name}" for name in ("make", "make_with_same_salt", "match", "verify", "hash_for_timing")
}  # fmt: skip


def _calls(folder: str) -> Iterator[tuple[str, str]]:
    for file in sorted((BASE_DIR / folder).rglob("*.py")):
        if "tests" not in file.parts and "testing" not in file.parts:
            yield from _calls_in(file)


def _calls_in(file: Path) -> Iterator[tuple[str, str]]:
    for function in ast.walk(ast.parse(file.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            names = {_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
            if names & (_METHODS | _FUNCTIONS):
                yield str(file.relative_to(BASE_DIR)), function.name


def _name(function: ast.expr) -> str:
    """Return the name of a method, or `module.function` for the functions of `hashing` that compute hashes."""
    name = ast.unparse(function)
    return name if name in _FUNCTIONS else name.rpartition(".")[2]


def test_each_call_that_computes_a_hash_has_a_budget() -> None:
    calls = {call for folder in ("accounts", "config", "core", "sessions_tracking") for call in _calls(folder)}

    assert calls == set(BUDGETS)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the slots acquired for hashes."""
    turns: list[str] = []
    enter = hashing_limiter._queue.acquire
    monkeypatch.setattr(hashing_limiter._queue, "acquire", lambda **how: turns.append("turn") or enter(**how))  # type: ignore[func-returns-value]
    return turns


REJECTED_WITHOUT_HASH: dict[str, tuple[str, str, dict[str, str], str]] = {
    "a password that breaks a rule": (
        "POST", "/change-password", {"currentPassword": WRONG, "newPassword": "all-in-lower-case"}, "validation_error",
    ),
    "the same password again": (
        "POST", "/change-password", {"currentPassword": WRONG, "newPassword": WRONG}, "validation_error",
    ),
    "the current email": (
        "POST", "/change-email", {"newEmail": "alice@example.com", "password": WRONG}, "validation_error",
    ),
    "no factor to remove": ("DELETE", "/mfa/totp", {"password": WRONG}, "mfa_not_enabled"),
    "no factor to recover": ("POST", "/mfa/recovery-codes", {"password": WRONG}, "mfa_not_enabled"),
    "an invalid reset token": (
        "POST", "/reset-password", {"token": "bm90IGEgdG9rZW4", "newPassword": NEW}, "token_invalid",
    ),
    "a taken username": (
        "POST", "/register", {"email": "eve@example.com", "username": "ALICE", "password": PASSWORD}, "username_taken",
    ),
    "a taken email": (
        "POST", "/register", {"email": "alice@example.com", "username": "eve", "password": PASSWORD}, "email_taken",
    ),
    "a weak password": (
        "POST", "/register", {"email": "eve@example.com", "username": "eve", "password": "eve"}, "validation_error",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REJECTED_WITHOUT_HASH)
def test_requests_rejected_by_a_cheaper_check_compute_no_hash(
    alice: User, sign_in: SignIn, hashes: list[str], case: str
) -> None:
    method, path, body, code = REJECTED_WITHOUT_HASH[case]
    client = sign_in(alice).client
    hashes.clear()

    response = client.generic(method, path, _json(body), content_type="application/json")

    assert (response.json()["code"], hashes) == (code, [])


def test_with_prevent_enumeration_a_taken_email_costs_the_same_hash(
    alice: User, hashes: list[str], settings: Settings
) -> None:
    settings.PREVENT_ENUMERATION = True
    for email, username, code in [
        ("alice@example.com", "eve", "ok"),
        ("alice@example.com", "alice", UsernameTaken.code),
        ("eve@example.com", "alice", UsernameTaken.code),
        ("eve@example.com", "eve2", "ok"),
    ]:
        hashes.clear()
        response = ApiClient().post("/register", {"email": email, "username": username, "password": PASSWORD})
        assert (response.json().get("code", "ok"), len(hashes)) == (code, 1 if code == "ok" else 0)


Prompt = tuple[str, str, dict[str, str], int]
PROMPTS: list[Prompt] = [
    ("POST", "/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}, 2),
    ("POST", "/change-email", {"newEmail": "alice@example.org", "password": PASSWORD}, 1),
    ("POST", "/mfa/recovery-codes", {"password": PASSWORD}, 1),
    ("DELETE", "/mfa/totp", {"password": PASSWORD}, 1),
    ("DELETE", "/me", {"password": PASSWORD}, 1),
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_with_the_correct_password_counts_its_hashes(
    alice: User, sign_in: SignIn, hashes: list[str], limits_on: Settings, prompt: Prompt
) -> None:
    method, path, body, cost = prompt
    signed_in = sign_in(alice)
    client = signed_in.client
    enrol(signed_in)  # this session is at AAL2 then
    hashes.clear()

    response = client.generic(method, path, _json(body), content_type="application/json")

    assert (response.status_code, len(hashes)) == (200, cost)
    password_attempts.start_reauth_attempt(user_id=alice.id, hashes=10 - cost)
    with pytest.raises(RateLimited):
        password_attempts.start_reauth_attempt(user_id=alice.id)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_session_without_the_second_factor_computes_no_hash(
    signed_in: SignedIn, hashes: list[str], prompt: Prompt
) -> None:
    """A prompt must not tell an attacker who has the session whether a password is correct."""
    method, path, body, _cost = prompt
    enrol(signed_in)
    set_context(signed_in, amr="pwd", acr="aal1")
    hashes.clear()

    response = signed_in.client.generic(method, path, _json(body), content_type="application/json")

    assert (response.json()["code"], hashes) == ("reauthentication_required", [])


def test_a_user_can_change_the_password_five_times_a_minute(
    alice: User, sign_in: SignIn, hashes: list[str], limits_on: Settings
) -> None:
    client = sign_in(alice).client
    hashes.clear()
    passwords = [PASSWORD, *(f"Another-Horse-{number}" for number in range(7))]

    codes = [
        client.post("/change-password", {"currentPassword": old, "newPassword": new}).json().get("code", "ok")
        for old, new in itertools.pairwise(passwords)
    ]

    assert (codes, len(hashes)) == (["ok"] * 5 + ["rate_limited"] * 2, 10)
    assert User.objects.get().check_password(passwords[5])


def test_a_limit_of_one_hash_still_allows_a_password_change(alice: User, sign_in: SignIn, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_HASHES = (Limit("hashes", 1, 60),)

    response = sign_in(alice).client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})

    assert response.status_code == 200


NETWORKS: dict[str, tuple[Callable[[int], str], int]] = {
    "each from another /64 of one /56": (lambda number: f"2001:db8:1:2{number % 256:02x}::1", 120),
    "each from another /56 of one /48": (lambda number: f"2001:db8:1:{number:x}00::1" if number < 256 else "", 240),
    "each from another /48": (lambda number: f"2001:db8:{number:x}::1", 250),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_wider_networks_of_an_ipv6_address_have_their_own_budgets(
    db: None, hashes: list[str], limits_on: Settings, case: str
) -> None:
    ip, allowed = NETWORKS[case]
    # A busy machine may need more than a minute for 250 logins.
    limits_on.RATE_LIMIT_LOGIN = (Limit("login", 30, 3600),)
    statuses = [_log_in(number, ip(number)).status_code for number in range(250)]

    assert statuses == [401] * allowed + [429] * (250 - allowed)
    assert len(hashes) == allowed
    assert _log_in(250, "2001:db8:ffff:1::1").status_code == 401


def test_an_ipv4_address_has_no_wider_budget(db: None, limits_on: Settings) -> None:
    assert {_log_in(number, f"198.51.100.{number}").status_code for number in range(250)} == {401}


def test_wider_networks_are_counted_without_redis(
    db: None, limits_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.redis.client.breaker.allows_command", lambda: False)

    statuses = [_log_in(number, f"2001:db8:1:2{number:02x}::1").status_code for number in range(125)]

    assert statuses == [401] * 120 + [429] * 5


def _log_in(number: int, ip: str) -> Any:
    return ApiClient().post("/login", {"username": f"user-{number}", "password": WRONG}, REMOTE_ADDR=ip)


def _json(body: dict[str, str]) -> str:
    return json.dumps(body)
