"""What every test has at hand: a client of the real API, the outbox's messages, and the cast.

alice is verified, bob is not, mallory attacks (and is verified too). Everybody's password is PASSWORD.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import TestCase
from django.utils import timezone
from django_redis import get_redis_connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.mail.delivery import deliver_waiting
from accounts.models import User
from config.rate_limits.in_memory import memory
from config.redis import breaker
from sessions_tracking import last_seen

PASSWORD = "Correct-Horse-7"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


class ApiClient(APIClient):
    """Speaks JSON to /api/auth. What a request leaves for after its commit has happened when it returns."""

    def request(self, **kwargs: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return _read_whole(super().request(**kwargs))

    def generic(self, method: str, path: Any, *args: Any, **kwargs: Any) -> Any:
        return super().generic(method, path if path.startswith("/api") else f"/api/auth{path}", *args, **kwargs)

    def bearing(self, token: str) -> "ApiClient":
        """Another client, without cookies, that sends this access token."""
        other = ApiClient()
        other.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return other


def _read_whole(reply: Any) -> Any:
    """A response that is made while it is sent, as one that is whole; any other as it is."""
    if not reply.streaming:
        return reply
    whole: Any = HttpResponse(reply.getvalue(), status=reply.status_code, headers=dict(reply.headers))
    whole.json = lambda: json.loads(whole.content)
    return whole


@dataclass
class SignedIn:
    """Somebody's sign-in: `client` bears the access token and no cookie."""

    user: User
    client: ApiClient
    data: dict[str, Any] = field(repr=False)

    @property
    def access(self) -> str:
        return str(self.data["tokens"]["accessToken"])

    @property
    def refresh(self) -> str:
        return str(self.data["tokens"]["refreshToken"])

    @property
    def session_id(self) -> str:
        return str(self.data["session"]["id"])


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


def _user(name: str, *, verified: bool) -> User:
    verified_at = timezone.now() if verified else None
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, email_verified_at=verified_at)


@pytest.fixture
def alice(db: None) -> User:
    return _user("alice", verified=True)


@pytest.fixture
def bob(db: None) -> User:
    return _user("bob", verified=False)


@pytest.fixture
def mallory(db: None) -> User:
    return _user("mallory", verified=True)


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
def outbox() -> Callable[[], list[EmailMessage]]:
    """`outbox()` lets the worker's code send what waits, and returns all messages sent in this test, oldest first."""

    def send() -> list[EmailMessage]:
        deliver_waiting()
        return list(mail.outbox)

    return send


def headers_of(reply: Any) -> dict[str, str]:
    """All but the name of the request, which no two share."""
    return {name: value for name, value in reply.headers.items() if name != "X-Request-Id"}


def code_in(message: EmailMessage) -> str:
    """The six-digit code of an email, outside its links."""
    found = re.search(r"(?<!\w)(\d{6})(?!\w)", re.sub(r"https?://\S+", "", str(message.body)))
    assert found, message.body
    return found[1]


def token_in(message: EmailMessage) -> str:
    """The token of the link in an email."""
    found = re.search(r"https?://\S+[?&]token=\S+", str(message.body))
    assert found, message.body
    return parse_qs(urlsplit(found[0]).query)["token"][0]


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
    breaker.succeeded()
    last_seen.forget()
    yield
    breaker.succeeded()
