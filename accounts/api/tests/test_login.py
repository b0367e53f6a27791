"""Login: credentials, the response, and the information that a failed login must not reveal."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.contrib.auth import hashers
from django.core.mail import EmailMessage
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import OutboxEmail, User
from accounts.services import credential_check
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from sessions_tracking.models import Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.mark.parametrize(
    "identity",
    [
        {"email": "alice@example.com"}, {"email": "ALICE@Example.com"}, {"username": "alice"}, {"username": "Alice"},
        {"identifier": "alice"}, {"identifier": "Alice@Example.com"},
    ],
)  # fmt: skip
def test_login_accepts_email_or_username_in_any_case(api: ApiClient, alice: User, identity: dict[str, str]) -> None:
    response = api.post("/login", {**identity, "password": PASSWORD})

    assert response.status_code == 200
    assert response.json()["data"]["user"]["id"] == str(alice.id)
    assert Session.objects.filter(user=alice).count() == 1


def test_login_returns_user_session_tokens_and_both_cookies(api: ApiClient, alice: User) -> None:
    response = api.post(
        "/login", {"username": "alice", "password": PASSWORD, "deviceName": "Laptop", "data": {"theme": "dark"}}
    )

    data = response.json()["data"]
    assert set(data) == {"user", "token", "tokens", "session"}
    assert data["token"] == data["tokens"]["accessToken"] == response.cookies["jwt"].value
    assert data["tokens"]["refreshToken"] == response.cookies["refreshToken"].value
    assert data["session"]["expiresAt"] == data["tokens"]["refreshExpiresAt"]
    session = Session.objects.get()
    assert (str(session.id), session.name, session.data) == (data["session"]["id"], "Laptop", {"theme": "dark"})
    assert data["user"]["lastLoginAt"] is not None
    assert PASSWORD not in response.content.decode()


def test_an_access_token_has_the_required_claims_and_expires_after_15_minutes(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    claims = _claims(signed_in.access)
    proof = {"acr", "amr", "auth_time"}
    assert set(claims) == {"sub", "username", "role", "sid", "jti", "iat", "exp", "iss", "aud", "token_type"} | proof
    assert (claims["sub"], claims["sid"], claims["token_type"]) == (str(alice.id), signed_in.session_id, "access")
    assert claims["exp"] - claims["iat"] == 900


def test_a_refresh_token_names_no_user_and_expires_after_7_days(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    claims = _claims(signed_in.refresh)
    assert set(claims) == {"sub", "sid", "jti", "iat", "exp", "iss", "aud", "token_type"}
    assert (claims["sid"], claims["token_type"]) == (signed_in.session_id, "refresh")
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600


def test_each_login_has_its_own_tokens_and_session(alice: User, sign_in: SignIn) -> None:
    sessions = [sign_in(alice) for _ in range(5)]

    assert len({session.session_id for session in sessions}) == 5
    assert len({_claims(token)["jti"] for session in sessions for token in (session.access, session.refresh)}) == 10


@pytest.mark.parametrize(
    "body",
    [
        {"username": "alice", "password": "Wrong-Horse-7"},
        {"username": "alice", "password": PASSWORD + " "},
        {"username": "unknown", "password": PASSWORD},
        {"email": "unknown@example.com", "password": PASSWORD},
        {"email": "no address at all", "password": PASSWORD},
        {"username": "alice' OR '1'='1", "password": PASSWORD},
        {"username": "carol", "password": PASSWORD},
    ],
)
def test_all_failed_logins_have_the_same_response(api: ApiClient, alice: User, body: dict[str, str]) -> None:
    User.objects.create_user(
        "carol", "carol@example.com", PASSWORD, email_verified_at=datetime.now(UTC), is_active=False
    )
    usual = api.post("/login", {"email": "alice@example.com", "password": "Wrong-Horse-8"})

    response = api.post("/login", body)

    assert response.status_code == 401
    assert response.json()["code"] == "invalid_credentials"
    assert response.content == usual.content
    assert response["WWW-Authenticate"] == "Bearer"
    assert not response.cookies
    assert not Session.objects.exists()
    assert User.objects.get(id=alice.id).last_login is None


def test_a_password_is_hashed_for_an_unknown_user_too(
    api: ApiClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    original = hashers.get_hasher().encode

    def count(self: object, password: str, salt: str) -> str:
        hashed.append(password)
        return original(password, salt)

    monkeypatch.setattr("accounts.passwords.hashers.BCryptHasher.encode", count)
    for username in ("unknown", "alice"):
        api.post("/login", {"username": username, "password": "Wrong-Horse-7"})

    assert hashed == ["Wrong-Horse-7"] * 2


def test_an_unverified_email_is_reported_only_for_the_correct_password(api: ApiClient, bob: User) -> None:
    right = api.post("/login", {"username": "bob", "password": PASSWORD})
    wrong = api.post("/login", {"username": "bob", "password": "Wrong-Horse-7"})

    assert (right.status_code, right.json()["code"]) == (403, "email_not_verified")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert not right.cookies
    assert not Session.objects.exists()


@pytest.mark.parametrize("verification", ["optional", "none"])
def test_login_without_verification_is_accepted_unless_mandatory(
    api: ApiClient, bob: User, settings: Settings, verification: str
) -> None:
    settings.EMAIL_VERIFICATION = verification

    assert api.post("/login", {"username": "bob", "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {}, {"password": PASSWORD}, {"username": "alice"}, {"username": "alice", "password": ""},
        {"email": "alice@example.com", "username": "mallory", "password": PASSWORD},
        {"username": ["alice"], "password": PASSWORD}, {"username": {"$ne": ""}, "password": PASSWORD},
        {"username": "alice", "password": 7}, {"username": "alice", "password": None}, {"username": None, "password": PASSWORD},
        {"username": "al\0ice", "password": PASSWORD}, {"username": "alice", "password": PASSWORD + "\0"},
        {"username": "alice", "password": "x" * 129}, {"username": "a" * 321, "password": PASSWORD},
        {"username": "alice", "password": PASSWORD, "deviceName": "n" * 101},
        {"username": "alice", "password": PASSWORD, "data": []}, {"username": "alice", "password": PASSWORD, "data": None},
    ],
)  # fmt: skip
def test_a_malformed_login_is_a_validation_error(api: ApiClient, alice: User, body: dict[str, Any]) -> None:
    response = api.post("/login", body)

    assert response.status_code == 400
    assert response.json()["code"] == "validation_error"
    assert not response.cookies
    assert not Session.objects.exists()


def test_a_lone_surrogate_in_a_password_is_rejected(api: ApiClient, alice: User) -> None:
    body = '{"username": "alice", "password": "Correct-Horse-7\\ud800"}'

    response = api.generic("POST", "/login", body, content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


def test_the_owner_is_notified_of_a_login_from_a_new_device(alice: User, sign_in: SignIn, outbox: Outbox) -> None:
    sign_in(alice, agent=CHROME)
    sign_in(alice, agent=CHROME)
    assert not outbox()

    sign_in(alice, agent=FIREFOX)

    [message] = outbox()
    assert message.to == ["alice@example.com"]
    assert "Firefox" in str(message.body)


def test_a_failed_login_from_a_new_device_sends_no_email(api: ApiClient, alice: User, sign_in: SignIn) -> None:
    sign_in(alice)

    api.post("/login", {"username": "alice", "password": "Wrong-Horse-7"}, headers={"User-Agent": FIREFOX})

    assert not OutboxEmail.objects.filter(kind="new_device").exists()


def test_a_hash_of_another_cost_is_upgraded_without_revoking_sessions(
    alice: User, sign_in: SignIn, settings: Settings
) -> None:
    earlier, old_hash = sign_in(alice), User.objects.get().password
    settings.BCRYPT_ROUNDS = 5

    sign_in(alice)

    assert User.objects.get().password != old_hash
    assert "$2b$05$" in User.objects.get().password
    assert earlier.client.get("/me").status_code == 200
    assert not OutboxEmail.objects.filter(kind="password_changed").exists()


def test_a_hash_upgrade_does_not_overwrite_a_concurrent_password_change(
    api: ApiClient, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BCRYPT_ROUNDS = 5
    find = credential_check._find_candidate

    def find_then_lose(credentials: credential_check.Credentials) -> User | None:
        user = find(credentials)
        User.objects.update(password=hashers.make_password("Another-Horse-8"))
        return user

    monkeypatch.setattr(credential_check, "_find_candidate", find_then_lose)
    response = api.post("/login", {"username": "alice", "password": PASSWORD})

    assert response.json()["code"] == "invalid_credentials"
    assert User.objects.get().check_password("Another-Horse-8")
    assert not Session.objects.exists()


def test_a_login_overtaken_by_a_password_change_starts_no_session(
    api: ApiClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = credential_check.authenticate

    def check_then_lose(credentials: credential_check.Credentials, *, ip: str | None) -> User:
        user = checked(credentials, ip=ip)
        User.objects.filter(id=user.id).update(password="changed meanwhile")
        return user

    monkeypatch.setattr(credential_check, "authenticate", check_then_lose)
    response = api.post("/login", {"username": "alice", "password": PASSWORD})

    assert response.json()["code"] == "invalid_credentials"
    assert not Session.objects.exists()


def test_a_login_needs_at_most_six_statements(
    api: ApiClient, alice: User, sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sign_in(alice)

    with django_assert_max_num_queries(8):  # two more for the savepoint that replaces the transaction in a test
        api.post("/login", {"username": "alice", "password": PASSWORD}, headers={"User-Agent": CHROME})


def test_a_login_does_not_change_sessions_of_other_users(alice: User, mallory: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice)

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5), tick=False):
        sign_in(mallory)
        assert [row["id"] for row in signed_in.client.get("/sessions").json()["data"]["sessions"]] == [
            signed_in.session_id
        ]


@pytest.mark.parametrize("path", ["/login", "/login/"])
def test_login_accepts_only_post(api: ApiClient, db: None, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = api.generic(method, path)
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
