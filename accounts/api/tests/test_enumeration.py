"""With PREVENT_ENUMERATION, neither body, status nor work done reveals whether an account exists.

Work is what time is made of: hashes, SQL statements and their transactions. A clock would tell of the machine.
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
Work = tuple[int, list[str]]

_TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')


@pytest.fixture(autouse=True)
def _strict(settings: Settings) -> None:
    settings.PREVENT_ENUMERATION = True


@pytest.fixture
def people(alice: User, bob: User, mallory: User) -> dict[str, User]:
    """alice is verified, bob is not, mallory is deactivated, erin was invited and has no password yet."""
    User.objects.filter(id=mallory.id).update(is_active=False)
    erin = User.objects.create_user("erin", "erin@example.com", None, email_verified_at=timezone.now())
    return {"alice": alice, "bob": bob, "mallory": mallory, "erin": erin}


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that is hashed."""
    made: list[str] = []
    encode = BCryptHasher.encode

    def note(self: BCryptHasher, password: str, salt: Any) -> str:
        made.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(BCryptHasher, "encode", note)
    return made


def _work(call: Callable[[], Any], hashes: list[str]) -> Work:
    """How many hashes, and which verbs on which tables within which transactions."""
    hashes.clear()
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(hashes), [_in_short(query["sql"]) for query in queries.captured_queries]


def _in_short(statement: str) -> str:
    verb, table = statement.split(" ", 1)[0], _TABLE.search(statement)
    return f"{verb} {table[1]}" if table else verb


def _told(reply: Any) -> tuple[int, Any]:
    return reply.status_code, reply.json()


@pytest.mark.parametrize("name", ["alice", "bob", "mallory", "erin"])
@pytest.mark.parametrize("by", ["username", "email"])
def test_a_failed_login_tells_nothing(people: dict[str, User], hashes: list[str], name: str, by: str) -> None:
    suffix = "" if by == "username" else "@example.com"
    replies: list[Any] = []

    def log_in(whom: str) -> Work:
        body = {by: f"{whom}{suffix}", "password": "Wrong-Horse-7"}
        return _work(lambda: replies.append(ApiClient().post("/login", body)), hashes)

    known, unknown = log_in(name), log_in("unknown")

    assert _told(replies[0]) == _told(replies[1])
    assert replies[0].json()["code"] == "invalid_credentials"
    assert known == unknown
    assert known[0] == 1


def test_the_right_password_of_a_deactivated_account_tells_nothing_either(people: dict[str, User]) -> None:
    right, wrong, unknown = (
        ApiClient().post("/login", {"username": name, "password": password})
        for name, password in (("mallory", PASSWORD), ("mallory", "Wrong-Horse-7"), ("unknown", PASSWORD))
    )

    assert _told(right) == _told(wrong) == _told(unknown)


@pytest.mark.parametrize("name", ["alice", "bob", "mallory", "erin"])
def test_forgot_password_tells_nothing(people: dict[str, User], hashes: list[str], name: str) -> None:
    replies: list[Any] = []

    known, unknown = (
        _work(lambda: replies.append(ApiClient().post("/forgot-password", {"email": f"{whom}@example.com"})), hashes)  # noqa: B023
        for whom in (name, "unknown")
    )

    assert _told(replies[0]) == _told(replies[1])
    assert replies[0].status_code == 200
    assert known == unknown


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_resend_tells_nothing(people: dict[str, User], hashes: list[str], outbox: Outbox, name: str) -> None:
    replies: list[Any] = []

    def resend(whom: str) -> Work:
        body = {"email": f"{whom}@example.com"}
        return _work(lambda: replies.append(ApiClient().post("/resend-verification", body)), hashes)

    known, unknown = resend(name), resend("unknown")

    assert _told(replies[0]) == _told(replies[1])
    assert replies[0].status_code == 200
    assert known == unknown
    assert [message.to for message in outbox()] == ([["bob@example.com"]] if name == "bob" else [])


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_wrong_code_tells_nothing(people: dict[str, User], hashes: list[str], outbox: Outbox, name: str) -> None:
    ApiClient().post("/resend-verification", {"email": "bob@example.com"})
    outbox()
    replies: list[Any] = []

    def verify(whom: str) -> Work:
        body = {"email": f"{whom}@example.com", "code": "000000"}
        return _work(lambda: replies.append(ApiClient().post("/verify-email", body)), hashes)

    known, unknown = verify(name), verify("unknown")

    assert _told(replies[0]) == _told(replies[1])
    assert replies[0].json()["code"] == "code_invalid"
    assert known == unknown


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_wrong_link_tells_nothing(people: dict[str, User], hashes: list[str], name: str) -> None:
    replies: list[Any] = []

    def follow(whom: str) -> Work:
        path = f"/verify-email?token=bm90IGl0&email={whom}@example.com"
        return _work(lambda: replies.append(ApiClient().get(path)), hashes)

    known, unknown = follow(name), follow("unknown")

    assert _told(replies[0]) == _told(replies[1])
    assert replies[0].json()["code"] == "token_invalid"
    assert known == unknown


@pytest.mark.parametrize("name", ["alice", "bob", "mallory"])
def test_a_registration_tells_nothing(people: dict[str, User], hashes: list[str], outbox: Outbox, name: str) -> None:
    replies: list[Any] = []

    def register(whom: str, username: str) -> Work:
        body = {"email": f"{whom}@example.com", "username": username, "password": PASSWORD}
        return _work(lambda: replies.append(ApiClient().post("/register", body)), hashes)

    (known_hashes, known), (new_hashes, new) = register(name, "eve-1"), register("eve-2", "eve-2")

    assert known_hashes == new_hashes == 1
    assert known == new
    assert _without_identity(replies[0], name, "eve-1") == _without_identity(replies[1], "eve-2", "eve-2")
    assert User.objects.get(username="eve-1").is_placeholder
    assert User.objects.get(username="eve-1").email is None
    told = {message.to[0] for message in outbox()} - {"eve-2@example.com"}
    assert told == (set() if name == "mallory" else {people[name].email})
    assert AuditEvent.objects.filter(kind=AuditKind.REGISTRATION_REPEATED).get().user_id == people[name].id


@pytest.mark.parametrize("name", ["alice", "bob", "mallory", "erin"])
@pytest.mark.parametrize("password", [PASSWORD + "-9", PASSWORD + "-é"])
def test_a_sign_in_with_the_password_of_a_sign_up_tells_nothing(
    people: dict[str, User], hashes: list[str], name: str, password: str
) -> None:
    replies: list[Any] = []
    for whom, username in ((name, "eve-1"), ("eve-2", "eve-2")):
        body = {"email": f"{whom}@example.com", "username": username, "password": password}
        assert ApiClient().post("/register", body).status_code == 201

    def log_in(whom: str) -> Work:
        body = {"email": f"{whom}@example.com", "password": password}
        return _work(lambda: replies.append(ApiClient().post("/login", body)), hashes)

    known, new = log_in(name), log_in("eve-2")

    assert _told(replies[0]) == _told(replies[1])
    assert (replies[0].status_code, replies[0].json()["code"]) == (403, "email_not_verified")
    assert known == new
    assert known[0] == 1


def test_to_register_again_brings_no_dead_code_back(people: dict[str, User], outbox: Outbox) -> None:
    """Five wrong attempts block further ones until another code is sent."""
    email_verification.resend(email="bob@example.com")
    code = code_in(outbox()[-1])
    for _ in range(5):
        ApiClient().post(
            "/verify-email", {"email": "bob@example.com", "code": "000000" if code != "000000" else "1" * 6}
        )

    ApiClient().post("/register", {"email": "bob@example.com", "username": "eve-3", "password": PASSWORD})
    reply = ApiClient().post("/verify-email", {"email": "bob@example.com", "code": code})

    assert (reply.status_code, reply.json()["code"]) == (400, "code_invalid")
    assert not User.objects.get(username="bob").email_verified


def _without_identity(reply: Any, email: str, username: str) -> Any:
    """What two new accounts may differ in."""
    body = reply.json()
    user = body["data"]["user"]
    assert (user.pop("email"), user.pop("username")) == (f"{email}@example.com", username)
    assert re.fullmatch(r"[0-9a-f-]{36}", user.pop("id"))
    assert user.pop("createdAt").endswith("Z")
    return reply.status_code, body, set(reply.headers), reply.cookies


def test_a_hash_is_made_for_who_has_none(people: dict[str, User], hashes: list[str]) -> None:
    """Django's own comparison returns at once for a user without a password (CVE-2025-13473)."""
    assert not hashers.is_password_usable(people["erin"].password)

    ApiClient().post("/login", {"username": "erin", "password": "Wrong-Horse-7"})

    assert len(hashes) == 1
