"""The fixtures of all tests: a client of the real API, the outbox's messages, and the cast.

alice is verified, bob is not, mallory attacks (and is verified too); carol is an administrator, grace a superuser. All
passwords are PASSWORD.
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
    """`sign_in(alice)` logs in over the API; further fields go into the body, `agent` is the User-Agent."""

    def log_in(user: User, *, agent: str = CHROME, **body: Any) -> SignedIn:
        credentials = {"username": user.username, "password": PASSWORD} | body
        reply = ApiClient(HTTP_USER_AGENT=agent).post("/login", credentials)
        assert reply.status_code == 200, reply.content
        data = reply.json()["data"]
        return SignedIn(user=user, client=ApiClient().bearing(data["token"]), data=data)

    return log_in


@pytest.fixture
def signed_in(alice: User, sign_in: Callable[..., SignedIn]) -> SignedIn:
    """alice, signed in over the API."""
    return sign_in(alice)


@pytest.fixture
def outbox() -> Callable[[], list[EmailMessage]]:
    """`outbox()` lets the worker's code send what waits, and returns all messages sent in this test, oldest first."""

    def send() -> list[EmailMessage]:
        deliver_due()
        return list(mail.outbox)

    return send


@pytest.fixture
def limits_on(settings: Settings) -> Settings:
    """The limits as a deployment has them; the other tests knock as often as they like."""
    memory.clear()
    settings.RATE_LIMITS = True
    return settings


@pytest.fixture(autouse=True)
def clean_redis() -> Iterator[None]:
    """Each test finds an empty Redis of its own process, and a closed breaker."""
    get_redis_connection("default").flushdb()
    breaker.record_success()
    last_seen.clear()
    yield
    breaker.record_success()


@pytest.fixture
def admin(db: None) -> User:
    """carol administers, and has no part in Django's own admin."""
    rights = {"role": Role.ADMIN, "email_verified_at": timezone.now()}
    return User.objects.create_user("carol", "carol@example.com", PASSWORD, **rights)


@pytest.fixture
def superuser(db: None) -> User:
    """grace stands above carol."""
    return User.objects.create_superuser("grace", "grace@example.com", PASSWORD)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still, between two codes of an authenticator app; `clock.shift(30)` brings the next one."""
    step = int(datetime.now(UTC).timestamp()) // 30
    with time_machine.travel(step * 30 + 15, tick=False) as traveller:
        yield traveller


@pytest.fixture
def alice_with_totp(alice: User, sign_in: Callable[..., SignedIn], clock: time_machine.Traveller) -> UserWithTotp:
    """alice, who has an authenticator app, and the session in which she added it. The clock stands still."""
    return enrol(sign_in(alice))


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Measure:
    """`measure(call)` is the SQL and the Redis commands that the call costs."""
    return make_query_counter(monkeypatch)
