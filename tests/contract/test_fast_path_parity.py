"""Each request that is answered in front of Django gets the same status, headers and body as Django's own response."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import transaction
from django_redis import get_redis_connection
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.parity import Answer, by_client, by_server, said_to_anybody
from accounts.testing.parity import closings as closings
from core.api.viewsets import ViewSet
from core.throttling.in_memory import memory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closings")]

CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
LOGIN = {"username": "alice", "password": PASSWORD}


@dataclass(frozen=True)
class Example:
    """A request of a fast path that succeeds: `{access}` and `{refresh}` stand for tokens of alice."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] | None = None


BEARER, COOKIES = {"Authorization": "Bearer {access}"}, {"Cookie": "jwt={access}; refreshToken={refresh}; a=b"}
READ = [Example(BEARER), Example(COOKIES)]
REFRESH = [Example(body={"refreshToken": "{refresh}"}), Example(COOKIES)]
EXAMPLES: dict[tuple[str, str], list[Example]] = {
    ("GET", "/api/auth/forward-auth"): READ,
    ("GET", "/api/auth/me"): READ,
    ("GET", "/api/auth/profile"): READ,
    ("POST", "/api/auth/register"): [Example(body=CAROL)],
    ("POST", "/api/auth/login"): [Example(body=LOGIN), Example({"X-Token-Transport": "body"}, LOGIN)],
    ("POST", "/api/auth/refresh"): REFRESH,
    ("POST", "/api/auth/refresh-token"): REFRESH,
    ("POST", "/api/auth/logout"): [*READ, Example(body={"refreshToken": "{refresh}"}), Example()],
}
PATHS = ((by_server, ""), (by_server, "/"), (by_client, ""))
VARIATIONS: list[dict[str, str]] = [
    {}, {"Accept-Language": "fr"}, {"Accept-Language": "fr;q=0, *"}, {"Accept": "text/html"}, {"User-Agent": "\x00é"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}, {"Sec-Fetch-Site": "same-origin"},
]  # fmt: skip


def test_each_fast_path_has_examples_here() -> None:
    assert set(EXAMPLES) == set(django_settings.SHORTCUTS)


@pytest.fixture(autouse=True)
def _as_deployed(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.COOKIE_DOMAIN, settings.SECURE_HSTS_SECONDS, settings.RATE_LIMITS = ".example.com", 3600, True


@pytest.mark.parametrize("request_line", EXAMPLES, ids=" ".join)
def test_a_slash_at_the_end_and_djangos_own_path_change_nothing(
    request_line: tuple[str, str], alice: User, sign_in: Callable[..., SignedIn]
) -> None:
    here, (method, path) = sign_in(alice), request_line
    short = path.removeprefix("/api/auth")
    for example in EXAMPLES[request_line]:
        for variation in VARIATIONS:
            sent = _fill(example, here, variation)
            with time_machine.travel(datetime.now(UTC), tick=False):
                answers = [_ask(ask, method, short + end, sent) for ask, end in PATHS]
            assert answers[0] == answers[1] == answers[2], variation
            assert answers[0][0] < 300


@pytest.mark.parametrize("request_line", EXAMPLES, ids=" ".join)
def test_the_examples_are_answered_in_front_of_django(
    request_line: tuple[str, str], alice: User, sign_in: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, (method, path) = sign_in(alice), request_line
    monkeypatch.setattr(ViewSet, "dispatch", lambda *_args, **_kwargs: 1 / 0)

    for example in EXAMPLES[request_line]:
        assert _ask(by_server, method, path.removeprefix("/api/auth"), _fill(example, here, {}))[0] < 300


def _fill(example: Example, here: SignedIn, more: dict[str, str]) -> tuple[dict[str, str], bytes]:
    def fill(text: str) -> str:
        return text.replace("{access}", here.access).replace("{refresh}", here.refresh)

    body = b"" if example.body is None else fill(json.dumps(example.body)).encode()
    return {name: fill(value) for name, value in example.headers.items()} | more, body


def _ask(ask: Callable[..., Answer], method: str, path: str, sent: tuple[dict[str, str], bytes]) -> tuple[Any, ...]:
    """What it changes is undone."""
    memory.clear()
    get_redis_connection("default").flushdb()
    with transaction.atomic():
        answer = ask(method, sent[0], path, sent[1])
        transaction.set_rollback(True)
    return said_to_anybody(answer)
