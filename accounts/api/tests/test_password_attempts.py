"""Delays after failed password checks, by account and network."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.core.mail import EmailMessage
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.authentication_context import raise_to_aal2
from accounts.testing.emails import token_in
from accounts.testing.second_factor import enrol
from core.redis.client import breaker
from core.throttling.rates import Limit
from sessions_tracking.models import Session

pytestmark = pytest.mark.usefixtures("limits_on")

SignIn = Callable[..., SignedIn]
WRONG = "Wrong-Horse-7"
NEW = "Another-Horse-8"
OTHER_IP = "203.0.113.9"


def _log_in(password: str, *, ip: str = "198.51.100.7", **identity: str) -> Any:
    body = (identity or {"username": "alice"}) | {"password": password}
    return ApiClient().post("/login", body, REMOTE_ADDR=ip)


def _fail(times: int, **identity: str) -> list[str]:
    return [_log_in(WRONG, **identity).json()["code"] for _ in range(times)]


def _code(response: Any) -> str:
    return str(response.json().get("code", "ok"))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the passwords that were hashed."""
    passwords: list[str] = []
    encode = hashers.get_hasher().encode

    def note(self: object, password: str, salt: str) -> str:
        passwords.append(password)
        return encode(password, salt)

    monkeypatch.setattr("accounts.passwords.hashers.BCryptHasher.encode", note)
    return passwords


def test_after_five_failures_even_the_correct_password_is_delayed(alice: User) -> None:
    assert _fail(6) == ["invalid_credentials"] * 5 + ["rate_limited"]

    right = _log_in(PASSWORD)

    assert (right.status_code, _code(right)) == (429, "rate_limited")
    assert 0 < int(right["Retry-After"]) <= 30
    assert not right.cookies
    assert not Session.objects.exists()


def test_responses_for_known_and_unknown_accounts_are_identical(alice: User, mallory: User) -> None:
    User.objects.filter(id=mallory.id).update(is_active=False)

    existing, inactive, unknown = (
        [_log_in(WRONG, username=name) for _ in range(7)] for name in ("alice", "mallory", "unknown")
    )

    for responses in (inactive, unknown):
        assert [response.status_code for response in responses] == [401] * 5 + [429] * 2
        assert [response.content for response in responses] == [response.content for response in existing]
        assert [response["RateLimit"] for response in responses] == [response["RateLimit"] for response in existing]


def test_a_delayed_attempt_computes_no_hash(alice: User, hashed: list[str]) -> None:
    _fail(20)
    _fail(20, username="unknown")

    assert hashed == [WRONG] * 10


def test_all_identifiers_of_an_account_share_a_counter(alice: User) -> None:
    for identity in (
        {"username": "alice"}, {"username": "ALICE"}, {"email": "alice@example.com"}, {"email": "Alice@EXAMPLE.com"},
        {"identifier": "alice"},
    ):  # fmt: skip
        assert _fail(1, **identity) == ["invalid_credentials"]

    assert _fail(1, identifier="Alice@Example.COM") == ["rate_limited"]


def test_all_spellings_of_an_unknown_account_share_a_counter(db: None) -> None:
    for email in ("no@x.com", "NO@x.com", " no@X.com ", "no@x.com.", "\uff4e\uff4f@x.com"):
        assert _fail(1, email=email) == ["invalid_credentials"]

    assert _fail(1, email="No@X.Com") == ["rate_limited"]


def test_the_owner_logs_in_from_another_ip_without_unblocking_the_attacker(alice: User) -> None:
    _fail(5)

    assert _code(_log_in(PASSWORD, ip=OTHER_IP)) == "ok"

    assert _code(_log_in(PASSWORD)) == "rate_limited"


def test_headers_cannot_change_the_ip_of_a_client(alice: User) -> None:
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X_Forwarded_For")
    wrong = {"username": "alice", "password": WRONG}

    codes = [_code(ApiClient().post("/login", wrong, headers={name: OTHER_IP})) for name in names]

    assert codes == ["invalid_credentials"] * 5 + ["rate_limited"]


def test_an_ipv6_network_counts_as_one_client(alice: User) -> None:
    for number in range(5):
        assert _code(_log_in(WRONG, ip=f"2001:db8:1:2:{number}::1")) == "invalid_credentials"

    assert _code(_log_in(WRONG, ip="2001:db8:1:2:ffff::1")) == "rate_limited"
    assert _code(_log_in(WRONG, ip="2001:db8:1:3::1")) == "invalid_credentials"


def test_sessions_refreshes_and_resets_are_not_delayed(
    api: ApiClient, alice: User, sign_in: SignIn, outbox: Callable[[], list[EmailMessage]]
) -> None:
    signed_in = sign_in(alice)
    for _ in range(6):
        api.post("/login", {"username": "alice", "password": WRONG})

    assert signed_in.client.get("/me").status_code == 200
    assert api.post("/refresh", {"refreshToken": signed_in.refresh}).status_code == 200
    assert (
        signed_in.client.post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW}).status_code == 200
    )
    assert api.post("/forgot-password", {"email": "alice@example.com"}).status_code == 200
    assert api.post("/reset-password", {"token": token_in(outbox()[-1]), "newPassword": PASSWORD}).status_code == 200


def test_a_success_clears_the_failures_of_the_same_account_and_ip(alice: User, mallory: User) -> None:
    _fail(4)
    _fail(4, username="mallory")
    for _ in range(4):
        _log_in(WRONG, ip=OTHER_IP)

    assert _code(_log_in(PASSWORD)) == "ok"

    assert _fail(6) == ["invalid_credentials"] * 5 + ["rate_limited"]
    assert _fail(2, username="mallory") == ["invalid_credentials", "rate_limited"]
    assert [_code(_log_in(WRONG, ip=OTHER_IP)) for _ in range(2)] == ["invalid_credentials", "rate_limited"]


def test_logins_to_the_own_account_do_not_reset_attempts_on_another(alice: User, mallory: User) -> None:
    for _ in range(5):
        _fail(1)
        assert _code(_log_in(PASSWORD, username="mallory")) == "ok"

    assert _fail(1) == ["rate_limited"]


def test_the_correct_password_of_an_unverified_user_is_not_a_failure(bob: User) -> None:
    codes = [_code(_log_in(PASSWORD, username="bob")) for _ in range(8)]

    assert codes == ["email_not_verified"] * 8


def test_a_login_that_names_two_users_checks_no_password(alice: User, mallory: User) -> None:
    response = _log_in(PASSWORD, email="alice@example.com", username="mallory")

    assert _code(response) == "validation_error"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/change-password", {"currentPassword": WRONG, "newPassword": NEW}),
        ("DELETE", "/me", {"password": WRONG}),
        ("POST", "/change-email", {"newEmail": "new@example.com", "password": WRONG}),
        ("DELETE", "/mfa/totp", {"password": WRONG}),
        ("POST", "/mfa/recovery-codes", {"password": WRONG}),
    ],
)
def test_a_stolen_session_cannot_guess_the_password(
    alice: User, sign_in: SignIn, method: str, path: str, body: dict[str, str]
) -> None:
    sessions = [sign_in(alice) for _ in range(6)]
    if path.startswith("/mfa"):  # without a second factor, its prompts check no password
        enrol(sessions[0])
        for session in sessions:
            raise_to_aal2(session)
    stolen = [session.client for session in sessions]

    codes = [_code(getattr(client, method.lower())(path, body)) for client in stolen]

    assert codes == ["password_incorrect"] * 5 + ["rate_limited"]
    right = stolen[0].post("/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})
    assert (right.status_code, _code(right)) == (429, "rate_limited")
    assert User.objects.get().check_password(PASSWORD)
    User.objects.update(mfa_enabled=False)
    assert _code(_log_in(PASSWORD)) == "ok"


def test_without_redis_each_process_counts_locally(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "pause", 60)
    breaker.record_failure()

    assert _fail(6) == ["invalid_credentials"] * 5 + ["rate_limited"]
    assert _fail(6, username="unknown") == ["invalid_credentials"] * 5 + ["rate_limited"]
    assert _code(_log_in(PASSWORD, ip=OTHER_IP)) == "ok"


def test_the_limits_are_settings(alice: User, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_WRONG_PASSWORDS = Limit("wrong-passwords", 2, 60)
    assert _fail(3) == ["invalid_credentials"] * 2 + ["rate_limited"]

    limits_on.RATE_LIMIT_WRONG_PASSWORDS = None
    assert _fail(3) == ["invalid_credentials"] * 3

    limits_on.RATE_LIMITS = False
    assert _fail(40) == ["invalid_credentials"] * 40


@pytest.mark.parametrize("spelling", [" {} ", "{}.", "{}.com."])
def test_an_unusual_spelling_counts_as_the_normal_one_for_known_and_unknown_accounts(
    alice: User, spelling: str
) -> None:
    def remaining(email: str) -> list[str]:
        return [_log_in(WRONG, email=typed)["RateLimit-Remaining"] for typed in (email, spelling.format(email))]

    assert remaining("alice@example.com") == remaining("unknown@example.com")
