"""Signing up, in and out is answered in front of Django where it can be, and nobody can tell by the answer."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django_redis import get_redis_connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework.permissions import AllowAny

from accounts.api.views.me import MeViewSet
from accounts.models import AuditEvent, AuditKind, User
from accounts.passwords import hashing_limiter
from accounts.testing.api_client import PASSWORD, SignedIn
from accounts.testing.parity import Answer, by_client, by_server, said_to_anybody
from accounts.testing.parity import closings as closings
from core.api.exceptions import Overloaded
from core.api.viewsets import ViewSet
from core.fast_path.drf_adapter import in_front
from core.observability import access_log
from core.observability.access_log_format import AccessRecord
from core.throttling.in_memory import memory

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closings", "alice", "bob")]

JSON = "application/json"
HEADERS = {
    "X-Token-Transport": st.sampled_from(["body", "cookie", "header"]),
    "Accept": st.sampled_from(["text/html", "application/xml"]),
    "Accept-Language": st.sampled_from(["fr", "de", "fr;q=0", "fr-CA,en;q=0.5", "*"]),
    "Origin": st.sampled_from(["https://app.example.com", "https://evil.example", "null"]),
    "Host": st.sampled_from(["testserver", "evil.example", ""]),
    "Sec-Fetch-Site": st.sampled_from(["cross-site", "same-origin"]),
    "Content-Encoding": st.sampled_from(["gzip", "identity"]),
    "X-Forwarded-For": st.just("203.0.113.9"),
    "User-Agent": st.sampled_from(["curl/8.5", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "\x00é"]),
    "Authorization": st.sampled_from(["Bearer {access}", "Bearer {refresh}", "Basic YTpi", "Bearer"]),
    "Cookie": st.sampled_from(["jwt={access}", "refreshToken={refresh}", "jwt=x; refreshToken={refresh}"]),
}
KINDS = st.just(JSON) | st.sampled_from([f"{JSON}; charset=utf-8", f"{JSON}; charset=latin-1", "text/plain", ""])
NOT_JSON = st.sampled_from(["", "{", "[]", "null", '"x"', "{}", "\0", '{"password":1e999}'])
ODD: list[Any] = ["", " ", "\0", "é", "x" * 300, None, 7, []]
TEXTS = st.sampled_from(["alice", "bob", "ALICE", "alice@example.com", "nobody@example.com", *ODD])
PASSWORDS = st.just(PASSWORD) | st.sampled_from(["wrong", "", "12345678", f"{PASSWORD}\0", None, ["x"]])
ALICE = {"username": "alice", "password": PASSWORD}
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}


@dataclass(frozen=True)
class Wish:
    """What is sent. `{access}`, `{refresh}` and `{session}` in it stand for those of a session of alice."""

    headers: dict[str, str]
    path: str
    body: str
    kind: str
    limited: bool


def _wishes(path: str, usual: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Wish]:
    odd = st.fixed_dictionaries({}, optional=fields).map(json.dumps)
    headers = st.fixed_dictionaries({}, optional=HEADERS)
    return st.builds(Wish, headers, st.just(path), st.just(usual) | odd | NOT_JSON, KINDS, st.booleans())


LOGINS = _wishes(
    "/login",
    json.dumps(ALICE),
    username=TEXTS,
    email=TEXTS,
    identifier=TEXTS,
    password=PASSWORDS,
    deviceName=TEXTS,
    data=TEXTS,
)
REGISTRATIONS = _wishes(
    "/register", json.dumps(CAROL), username=TEXTS, email=TEXTS, password=PASSWORDS, firstName=TEXTS, language=TEXTS
)
LOGOUTS = _wishes("/logout", "", sessionId=TEXTS | st.just("{session}"), refreshToken=TEXTS | st.just("{refresh}"))


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]


@contextmanager
def _undone() -> Iterator[None]:
    """What is done within leaves nothing behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    get_redis_connection("default").flushdb()
    memory.clear()


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wish=LOGINS | REGISTRATIONS | LOGOUTS)
def test_whatever_is_asked_django_would_have_said_the_same(
    sign_in: SignIn, alice: User, settings: Settings, wish: Wish
) -> None:
    settings.RATE_LIMITS = wish.limited
    answers = []
    with time_machine.travel(datetime.now(UTC), tick=False):
        for door in (by_server, by_client):
            with _undone():
                answers.append(said_to_anybody(_ask(door, sign_in(alice), wish)))

    assert answers[0] == answers[1]


def _ask(door: Callable[..., Answer], here: SignedIn, wish: Wish) -> Answer:
    headers, body = wish.headers, wish.body
    for name, value in (("{access}", here.access), ("{refresh}", here.refresh), ("{session}", here.session_id)):
        body = body.replace(name, value)
        headers = {header: text.replace(name, value) for header, text in headers.items()}
    return door("POST", headers, wish.path, body.encode(), wish.kind)


def _log_in(**fields: Any) -> Answer:
    return by_server("POST", {}, "/login", json.dumps(ALICE | fields).encode())


def test_it_is_answered_in_front_of_django(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ViewSet, "initial", lambda *_args: 1 / 0)

    tokens = json.loads(_log_in().body)["data"]["tokens"]
    out = by_server("POST", {"Authorization": f"Bearer {tokens['accessToken']}"}, "/logout")
    up = by_server("POST", {}, "/register", json.dumps(CAROL).encode())

    assert (out.status, up.status) == (200, 201)
    assert by_server("GET", {"Authorization": f"Bearer {tokens['accessToken']}"}, "/me").status == 500


def test_a_wrong_password_is_counted_and_written_down_once(limits_on: Settings, alice: User) -> None:
    answer = _log_in(password="wrong")

    assert (answer.status, answer.code) == (401, "invalid_credentials")
    event = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert (event.user_id, event.request_id) == (alice.id, answer.headers["X-Request-Id"])
    assert answer.headers["RateLimit-Remaining"] == "4"


def test_whom_a_refusal_concerned_is_in_its_line(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[AccessRecord] = []
    monkeypatch.setattr(access_log, "record", noted.append)

    _log_in(password="wrong")

    assert [(one.route, one.status, one.identity.user_id) for one in noted] == [("/api/auth/login", 401, alice.id)]


def test_who_is_told_to_come_back_counts_in_no_limit(limits_on: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing_limiter, "ensure_capacity", _refuse)

    answers = [_log_in() for _ in range(3)]

    assert {(answer.status, answer.headers["Retry-After"]) for answer in answers} == {(503, "5")}
    assert not any("RateLimit" in name for name in answers[-1].headers)


def _refuse() -> None:
    raise Overloaded


def test_a_view_that_is_not_open_to_anybody_is_not_put_there() -> None:
    assert list(MeViewSet.permission_classes) != [AllowAny]

    with pytest.raises(TypeError, match="MeViewSet"):
        in_front(MeViewSet, "list")
