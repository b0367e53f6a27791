"""`POST /refresh` is answered in front of Django where it can be, and nobody can tell by the answer."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, OutboxEmail, User
from accounts.services import refresh
from accounts.testing.api_client import SignedIn
from accounts.testing.parity import Answer, by_client, by_server, said
from accounts.testing.parity import closings as closings
from core.api.viewsets import ViewSet
from core.observability import access_log
from core.observability.access_log_format import AccessRecord
from core.rejected_requests import writer
from core.rejected_requests.writer import TokenReader
from core.throttling.rates import rate_parser
from sessions_tracking import rotation
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closings")]

BODIES = [
    '{"refreshToken":"%s"}', ' {"refreshToken" :\t"%s"}\r\n', '{"refreshToken":"%s","other":1}', '{"refreshToken":" %s"}',
    '{"refreshToken":"x","refreshToken":"%s"}', '{"refreshToken":"%s"}x', '{"refreshToken":"\\u0065%s"}', '["%s"]', '"%s"',
    '{"refreshToken":["%s"]}', '{"refreshToken":null}', '{"refreshToken":""}', "{}", "", '{"refreshToken":"%s\0"}',
    '{"refreshToken":"é%s"}', '{"refreshtoken":"%s"}', '{"refreshToken":"%s"}' + " " * 70_000,
    '{"refreshToken":"%s' + "x" * 5000 + '"}',
]  # fmt: skip
JSON = "application/json"
KINDS = [JSON, f"{JSON}; charset=utf-8", f"{JSON}; charset=latin-1", "Application/JSON", "text/plain", ""]
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "X-Token-Transport": st.sampled_from(["body", "cookie", " BODY", "", "header"]),
        "Cookie": st.sampled_from(["refreshToken={refresh}", "jwt={access}; refreshToken=x", "refreshToken={old}"]),
        "Authorization": st.sampled_from(["Bearer {access}", "Basic YTpi"]),
        "Accept": st.sampled_from(["text/html", "application/xml"]),
        "Accept-Language": st.sampled_from(["fr", "de", "fr;q=0", "fr-CA,en;q=0.5", "*"]),
        "Origin": st.sampled_from(["https://app.example.com", "https://evil.example", "null"]),
        "Host": st.sampled_from(["testserver", "evil.example", ""]),
        "Sec-Fetch-Site": st.sampled_from(["cross-site", "same-origin"]),
        "Content-Encoding": st.sampled_from(["gzip", "identity"]),
        "X-Forwarded-For": st.just("203.0.113.9"),
        "User-Agent": st.sampled_from(["curl/8.5", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "\x00é"]),
    },
)  # fmt: skip


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]


@pytest.fixture
def here(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice)


def _refresh(token: str) -> Answer:
    return by_server("POST", {}, "/refresh", json.dumps({"refreshToken": token}).encode())


@dataclass(frozen=True)
class Wish:
    """What is sent; `token` is the name of one of `_tokens`."""

    headers: dict[str, str]
    body: str
    kind: str
    token: str
    path: str


WISHES = st.builds(
    Wish,
    headers=HEADERS,
    body=st.just(BODIES[0]) | st.sampled_from(BODIES),
    kind=st.just(JSON) | st.sampled_from(KINDS),
    token=st.just("refresh") | st.sampled_from(["old", "access", "over", "garbage"]),
    path=st.sampled_from(["/refresh", "/refresh-token", "/refresh/"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wish=WISHES, doors=st.permutations([by_server, by_client]))
def test_whatever_is_asked_django_would_have_said_the_same(
    alice: User, sign_in: SignIn, wish: Wish, doors: list[Callable[..., Answer]]
) -> None:
    one, other = _asked(wish, doors, _tokens(sign_in, alice))

    assert one == other


@pytest.mark.parametrize("body", BODIES)
def test_a_body_of_another_form_is_judged_by_django(alice: User, sign_in: SignIn, body: str) -> None:
    one, other = _asked(Wish({}, body, JSON, "refresh", "/refresh"), [by_server, by_client], _tokens(sign_in, alice))

    assert one == other


def _asked(wish: Wish, doors: list[Callable[..., Answer]], tokens: dict[str, str]) -> list[tuple[Any, ...]]:
    """Both get the same token at the same moment, so the second is one whose answer was lost, and has the same successor."""
    headers = {name: text.format(**tokens) for name, text in wish.headers.items()}
    body = wish.body.replace("%s", tokens[wish.token]).encode()
    with time_machine.travel(datetime.now(UTC), tick=False):
        return [said(door("POST", headers, wish.path, body, wish.kind)) for door in doors]


def _tokens(sign_in: SignIn, user: User) -> dict[str, str]:
    """`old` was retired a moment ago, `over` is another session's that has ended."""
    old, over = sign_in(user), sign_in(user)
    sessions.revoke(session_id=uuid.UUID(over.session_id), reason=RevokedReason.LOGOUT)
    now = json.loads(_refresh(old.refresh).body)["data"]["tokens"]
    current = {"refresh": now["refreshToken"], "access": now["accessToken"]}
    return current | {"old": old.refresh, "over": over.refresh, "garbage": "x.y.z"}


def test_it_is_answered_in_front_of_django_by_one_statement(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ViewSet, "initial", lambda *_args: 1 / 0)

    with CaptureQueriesContext(connection) as statements:
        answer = _refresh(here.refresh)

    assert (answer.status, len(statements)) == (200, 1)


def test_reuse_is_punished_once_and_told_by_its_name(here: SignedIn, settings: Settings) -> None:
    settings.REFRESH_REUSE_GRACE = timedelta(0)
    successor = json.loads(_refresh(here.refresh).body)["data"]["token"]

    answer = _refresh(here.refresh)

    assert (answer.status, answer.code) == (401, "refresh_token_reused")
    assert Session.objects.get().revoked_reason == RevokedReason.REFRESH_REUSED
    event = AuditEvent.objects.get(kind=AuditKind.REFRESH_TOKEN_REUSED)
    assert event.request_id == answer.headers["X-Request-Id"]
    assert OutboxEmail.objects.filter(kind="refresh_token_reused").count() == 1
    assert by_server("GET", {"Authorization": f"Bearer {successor}"}, "/me").status == 401


def test_each_request_counts_once_and_is_told_how_it_stands(here: SignedIn, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_REFRESH = rate_parser("refresh")("2/m")

    answers = [_refresh(here.refresh) for _ in range(4)]

    assert [answer.code for answer in answers] == ["ok", "ok", "rate_limited", "rate_limited"]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "0"]
    assert all("Retry-After" in answer.headers for answer in answers[2:])


def test_what_fails_after_the_rotation_is_not_tried_twice(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = Mock(side_effect=ZeroDivisionError)
    monkeypatch.setattr(refresh, "mint_pair", mint)

    answer = _refresh(here.refresh)

    assert (answer.status, answer.code, mint.call_count) == (500, "server_error", 1)


def test_a_database_that_is_away_is_said_to_be(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_values: Any) -> None:
        raise OperationalError("connection to db.internal refused")

    monkeypatch.setattr(rotation, "rotate", fail)

    answer = _refresh(here.refresh)

    assert (answer.status, answer.code) == (503, "service_unavailable")
    assert "db.internal" not in answer.body.decode()


def test_no_connection_to_the_database_is_kept(here: SignedIn, closings: list[None]) -> None:
    for token in (here.refresh, "x.y.z"):
        closings.clear()
        _refresh(token)
        assert len(closings) == 1


def test_the_line_of_the_log_names_whom_it_was_for(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[AccessRecord] = []
    monkeypatch.setattr(access_log, "record", noted.append)

    answer = _refresh(here.refresh)

    assert [(one.method, one.route, one.status, str(one.identity.session_id)) for one in noted] == [
        ("POST", "/api/auth/refresh", 200, here.session_id)
    ]
    assert noted[0].request_id == answer.headers["X-Request-Id"]


def test_the_record_of_a_refusal_knows_whose_token_it_was(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read out of the body, which the shortcut has read before."""
    kept: list[TokenReader] = []
    monkeypatch.setattr(writer, "record", lambda _refusal, bearer: kept.append(bearer))
    sessions.revoke(session_id=uuid.UUID(here.session_id), reason=RevokedReason.LOGOUT)

    assert _refresh(here.refresh).code == "session_revoked"

    assert [str(bearer()[1]) for bearer in kept] == [here.session_id]
