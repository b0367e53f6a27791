"""With PREVENT_ENUMERATION, body, status and work are the same whether or not an account exists.

Work stands for the response time: hashes, SQL statements and transactions. Measured times would depend on the machine.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, User
from accounts.passwords.hashers import BCryptHasher
from accounts.services import email_verification
from accounts.testing.api_client import PASSWORD, ApiClient
from accounts.testing.emails import code_in

pytestmark = pytest.mark.django_db(transaction=True)

Outbox = Callable[[], list[EmailMessage]]
Measurement = tuple[int, list[str]]

_TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')


@pytest.fixture(autouse=True)
def _prevent_enumeration(settings: Settings) -> None:
    settings.PREVENT_ENUMERATION = True


@pytest.fixture
def people(alice: User, bob: User, mallory: User) -> dict[str, User]:
    """alice is verified, bob is not, mallory is deactivated, erin was invited and has no password yet."""
    User.objects.filter(id=mallory.id).update(is_active=False)
    erin = User.objects.create_user("erin", "erin@example.com", None, email_verified_at=timezone.now())
    return {"alice": alice, "bob": bob, "mallory": mallory, "erin": erin}


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that records every hashed password."""
    hashed: list[str] = []
    encode = BCryptHasher.encode

    def record(self: BCryptHasher, password: str, salt: Any) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(BCryptHasher, "encode", record)
    return hashed


def _measure(call: Callable[[], Any], hashes: list[str]) -> Measurement:
    """Return the number of hashes, and the SQL verbs with their tables."""
    hashes.clear()
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(hashes), [_summary(query["sql"]) for query in queries.captured_queries]


def _summary(statement: str) -> str:
    verb, table = statement.split(" ", 1)[0], _TABLE.search(statement)
    return f"{verb} {table[1]}" if table else verb


def _observed(response: Any) -> tuple[int, Any]:
    return response.status_code, response.json()


@pytest.mark.parametrize("name", ["alice", "bob", "mallory", "erin"])
@pytest.mark.parametrize("by", ["username", "email"])
def test_a_failed_login_reveals_nothing(people: dict[str, User], hashes: list[str], name: str, by: str) -> None:
    suffix = "" if by == "username" else "@example.com"
    responses: list[Any] = []

    def log_in(account: str) -> Measurement:
        body = {by: f"{account}{suffix}", "password": "Wrong-Horse-7"}
        return _measure(lambda: responses.append(ApiClient().post("/login", body)), hashes)

    registered, unknown = log_in(name), log_in("unknown")

    assert _observed(responses[0]) == _observed(responses[1])
    assert responses[0].json()["code"] == "invalid_credentials"
    assert registered == unknown
    assert registered[0] == 1


def test_the_right_password_of_a_deactivated_account_reveals_nothing(people: dict[str, User]) -> None:
    right, wrong, unknown = (
        ApiClient().post("/login", {"username": name, "password": password})
        for name, password in (("mallory", PASSWORD), ("mallory", "Wrong-Horse-7"), ("unknown", PASSWORD))
    )

    assert _observed(right) == _observed(wrong) == _observed(unknown)


@pytest.mark.parametrize("name", ["alice", "bob", "mallory", "erin"])
def test_forgot_password_reveals_nothing(people: dict[str, User], hashes: list[str], name: str) -> None:
    responses: list[Any] = []

    def request_reset(account: str) -> Measurement:
        body = {"email": f"{account}@example.com"}
        return _measure(lambda: responses.append(ApiClient().post("/forgot-password", body)), hashes)

    registered, unknown = request_reset(name), request_reset("unknown")

    assert _observed(responses[0]) == _observed(responses[1])
    assert responses[0].status_code == 200
    assert registered == unknown


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_resend_reveals_nothing(people: dict[str, User], hashes: list[str], outbox: Outbox, name: str) -> None:
    responses: list[Any] = []

    def resend(account: str) -> Measurement:
        body = {"email": f"{account}@example.com"}
        return _measure(lambda: responses.append(ApiClient().post("/resend-verification", body)), hashes)

    registered, unknown = resend(name), resend("unknown")

    assert _observed(responses[0]) == _observed(responses[1])
    assert responses[0].status_code == 200
    assert registered == unknown
    assert [message.to for message in outbox()] == ([["bob@example.com"]] if name == "bob" else [])


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_wrong_code_reveals_nothing(people: dict[str, User], hashes: list[str], outbox: Outbox, name: str) -> None:
    ApiClient().post("/resend-verification", {"email": "bob@example.com"})
    outbox()
    responses: list[Any] = []

    def verify(account: str) -> Measurement:
        body = {"email": f"{account}@example.com", "code": "000000"}
        return _measure(lambda: responses.append(ApiClient().post("/verify-email", body)), hashes)

    registered, unknown = verify(name), verify("unknown")

    assert _observed(responses[0]) == _observed(responses[1])
    assert responses[0].json()["code"] == "code_invalid"
    assert registered == unknown


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_wrong_link_reveals_nothing(people: dict[str, User], hashes: list[str], name: str) -> None:
    responses: list[Any] = []

    def follow(account: str) -> Measurement:
        path = f"/verify-email?token=bm90IGl0&email={account}@example.com"
        return _measure(lambda: responses.append(ApiClient().get(path)), hashes)

    registered, unknown = follow(name), follow("unknown")

    assert _observed(responses[0]) == _observed(responses[1])
    assert responses[0].json()["code"] == "token_invalid"
    assert registered == unknown


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_registration_reveals_nothing(people: dict[str, User], hashes: list[str], outbox: Outbox, name: str) -> None:
    responses: list[Any] = []

    def register(account: str, username: str) -> Measurement:
        body = {"email": f"{account}@example.com", "username": username, "password": PASSWORD}
        return _measure(lambda: responses.append(ApiClient().post("/register", body)), hashes)

    (claimed_hashes, claimed), (new_hashes, new) = register(name, "eve-1"), register("eve-2", "eve-2")

    assert claimed_hashes == new_hashes == 1
    assert claimed == new
    assert _without_identity(responses[0], name, "eve-1") == _without_identity(responses[1], "eve-2", "eve-2")
    assert User.objects.get(username="eve-1").is_placeholder
    assert User.objects.get(username="eve-1").email is None
    notified = {message.to[0] for message in outbox()} - {"eve-2@example.com"}
    assert notified == (set() if name == "mallory" else {people[name].email})
    assert AuditEvent.objects.filter(kind=AuditKind.REGISTRATION_REPEATED).get().user_id == people[name].id


@pytest.mark.parametrize("name", ["alice", "bob", "mallory", "erin"])
@pytest.mark.parametrize("password", [PASSWORD + "-9", PASSWORD + "-é"])
def test_a_login_with_the_password_of_a_registration_reveals_nothing(
    people: dict[str, User], hashes: list[str], name: str, password: str
) -> None:
    responses: list[Any] = []
    for account, username in ((name, "eve-1"), ("eve-2", "eve-2")):
        body = {"email": f"{account}@example.com", "username": username, "password": password}
        assert ApiClient().post("/register", body).status_code == 201

    def log_in(account: str) -> Measurement:
        body = {"email": f"{account}@example.com", "password": password}
        return _measure(lambda: responses.append(ApiClient().post("/login", body)), hashes)

    claimed, new = log_in(name), log_in("eve-2")

    assert _observed(responses[0]) == _observed(responses[1])
    assert (responses[0].status_code, responses[0].json()["code"]) == (403, "email_not_verified")
    assert claimed == new
    assert claimed[0] == 1


def test_a_repeated_registration_does_not_revive_an_exhausted_code(people: dict[str, User], outbox: Outbox) -> None:
    """Five wrong attempts invalidate a code until another one is sent, and a repeated registration sends none."""
    email_verification.resend(email="bob@example.com")
    code = code_in(outbox()[-1])
    for _ in range(5):
        ApiClient().post(
            "/verify-email", {"email": "bob@example.com", "code": "000000" if code != "000000" else "1" * 6}
        )

    ApiClient().post("/register", {"email": "bob@example.com", "username": "eve-3", "password": PASSWORD})
    response = ApiClient().post("/verify-email", {"email": "bob@example.com", "code": code})

    assert (response.status_code, response.json()["code"]) == (400, "code_invalid")
    assert not User.objects.get(username="bob").email_verified


def _without_identity(response: Any, email: str, username: str) -> Any:
    """Return the response without the values that differ between any two new accounts."""
    body = response.json()
    user = body["data"]["user"]
    assert (user.pop("email"), user.pop("username")) == (f"{email}@example.com", username)
    assert re.fullmatch(r"[0-9a-f-]{36}", user.pop("id"))
    assert user.pop("createdAt").endswith("Z")
    return response.status_code, body, set(response.headers), response.cookies


def test_a_hash_is_computed_for_a_user_without_a_password(people: dict[str, User], hashes: list[str]) -> None:
    """Django's own comparison would return at once for a user without a password (CVE-2025-13473)."""
    assert not hashers.is_password_usable(people["erin"].password)

    ApiClient().post("/login", {"username": "erin", "password": "Wrong-Horse-7"})

    assert len(hashes) == 1
