"""Fixtures for all tests: an API client, the emails sent, and the users.

alice and mallory, the attacker, have verified emails; bob has not. carol is an administrator, grace a superuser. The password
of each is PASSWORD.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.mail.delivery import deliver_due
from accounts.models import Role, User
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn, create_user
from accounts.testing.query_counter import Measure, make_query_counter
from accounts.testing.second_factor import UserWithTotp, enrol
from core.redis.client import breaker
from core.throttling.in_memory import memory
from sessions_tracking import last_seen


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


@pytest.fixture
def alice(db: None) -> User:
    return create_user("alice", verified=True)


@pytest.fixture
def bob(db: None) -> User:
    return create_user("bob", verified=False)


@pytest.fixture
def mallory(db: None) -> User:
    return create_user("mallory", verified=True)


@pytest.fixture
def sign_in() -> Callable[..., SignedIn]:
    """`sign_in(alice)` signs in through the API. Further arguments are fields of the body; `agent` is the User-Agent."""

    def log_in(user: User, *, agent: str = CHROME, **body: Any) -> SignedIn:
        credentials = {"username": user.username, "password": PASSWORD} | body
        reply = ApiClient(HTTP_USER_AGENT=agent).post("/login", credentials)
        assert reply.status_code == 200, reply.content
        data = reply.json()["data"]
        return SignedIn(user=user, client=ApiClient().bearing(data["token"]), data=data)

    return log_in


@pytest.fixture
def signed_in(alice: User, sign_in: Callable[..., SignedIn]) -> SignedIn:
    """A session of alice, started through the API."""
    return sign_in(alice)


@pytest.fixture
def outbox() -> Callable[[], list[EmailMessage]]:
    """`outbox()` sends the emails that are due and returns all emails sent in this test, oldest first."""

    def send() -> list[EmailMessage]:
        deliver_due()
        return list(mail.outbox)

    return send


@pytest.fixture
def limits_on(settings: Settings) -> Settings:
    """Enable rate limits, which other tests run without."""
    memory.clear()
    settings.RATE_LIMITS = True
    return settings


@pytest.fixture(autouse=True)
def clean_redis() -> Iterator[None]:
    """Start each test with an empty Redis database and a circuit breaker that allows commands."""
    get_redis_connection("default").flushdb()
    breaker.record_success()
    last_seen.clear()
    yield
    breaker.record_success()


@pytest.fixture
def admin(db: None) -> User:
    """carol, an administrator of the API without access to Django's admin."""
    rights = {"role": Role.ADMIN, "email_verified_at": timezone.now()}
    return User.objects.create_user("carol", "carol@example.com", PASSWORD, **rights)


@pytest.fixture
def superuser(db: None) -> User:
    """grace, a superuser, who outranks carol."""
    return User.objects.create_superuser("grace", "grace@example.com", PASSWORD)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock in the middle of a time step of TOTP; `clock.shift(30)` moves it to the next code."""
    step = int(datetime.now(UTC).timestamp()) // 30
    with time_machine.travel(step * 30 + 15, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice_with_totp(alice: User, sign_in: Callable[..., SignedIn], clock: time_machine.Traveller) -> UserWithTotp:
    """alice, who has an authenticator app, and the session in which she added it. The clock is stopped."""
    return enrol(sign_in(alice))


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """`measure(call)` returns the SQL statements and Redis commands that the call executes."""
    return make_query_counter(monkeypatch)
