"""`forward-auth?acr=…&max_age=…`: a proxy requires an authentication, through Django and through the fast path."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine

from accounts.testing.api_client import SignedIn
from accounts.testing.authentication_context import age_authentication, step_up
from accounts.testing.parity import ApiResult, normalized, via_django, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from accounts.testing.query_counter import Measure, Work
from core.redis.client import breaker

Send = Callable[[str], ApiResult]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]

_CHALLENGE = 'Bearer error="insufficient_user_authentication"'


@pytest.fixture(params=[via_django, via_wsgi])
def send(request: pytest.FixtureRequest, signed_in: SignedIn) -> Send:
    by = request.param
    return lambda query: by("GET", {"Authorization": f"Bearer {signed_in.access}"}, f"/forward-auth?{query}")


def test_the_headers_say_how_and_when_the_user_authenticated(send: Send, signed_in: SignedIn) -> None:
    before = send("").identity
    step_up(signed_in)

    assert (before["X-Auth-Acr"], send("").identity["X-Auth-Acr"]) == ("aal1", "aal2")
    signed_in_at = datetime.fromisoformat(signed_in.data["session"]["authenticatedAt"])
    assert before["X-Auth-Time"] == str(int(signed_in_at.timestamp()))


@pytest.mark.parametrize(
    "query", ["acr=aal1", "max_age=300", "acr=aal1&max_age=300", "max_age=0300", "%61cr=aal1", "x=1&y"]
)
def test_a_session_that_meets_the_requirement_passes(send: Send, query: str) -> None:
    assert (send(query).status, send(query).identity["X-Auth-Username"]) == (200, "alice")


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("acr=aal2", 'acr_values="aal2"'),
        ("acr=aal2&max_age=86400", 'max_age="86400", acr_values="aal2"'),
        ("max_age=3599&x=1", 'max_age="3599"'),
        ("acr=aal1&max_age=60", 'max_age="60", acr_values="aal1"'),
        ("max_age=0", 'max_age="0"'),
    ],
)
def test_a_session_that_does_not_meet_it_gets_the_challenge_of_rfc_9470(
    send: Send, signed_in: SignedIn, query: str, parameters: str
) -> None:
    age_authentication(signed_in, by=timedelta(hours=1))

    response = send(query)

    assert (response.status, response.code, response.identity) == (401, "reauthentication_required", {})
    assert response.headers["WWW-Authenticate"] == f"{_CHALLENGE}, {parameters}"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_step_up_satisfies_the_requirement_with_the_same_token(send: Send, signed_in: SignedIn) -> None:
    age_authentication(signed_in, by=timedelta(hours=1))
    assert send("acr=aal2&max_age=300").status == 401

    step_up(signed_in)

    assert send("acr=aal2&max_age=300").status == 200


def test_the_age_is_counted_in_seconds_since_the_authentication(send: Send, signed_in: SignedIn) -> None:
    signed_in_at = datetime.fromisoformat(signed_in.data["session"]["authenticatedAt"])

    for seconds, status in ((59, 200), (60, 200), (61, 401)):
        with time_machine.travel(signed_in_at + timedelta(seconds=seconds), tick=False):
            assert send("max_age=60").status == status


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("acr=aal3", "acr"), ("acr=", "acr"), ("acr=AAL2", "acr"), ("acr=aal1%20aal2", "acr"), ("acr=aal2;max_age=1", "acr"),
        ("acr", "acr"), ("acr=aal1&acr=aal2", "acr"), ("acr=aal2&acr=aal2", "acr"), ("acr=aal2%00", "acr"),
        ("max_age=-1", "max_age"), ("max_age=", "max_age"), ("max_age=5m", "max_age"), ("max_age=1.5", "max_age"),
        ("max_age=300.0", "max_age"), ("max_age=+5", "max_age"), ("max_age=%205", "max_age"), ("max_age=1_000", "max_age"),
        ("max_age=1e3", "max_age"), ("max_age=0x10", "max_age"), ("max_age=NaN", "max_age"), ("max_age=%D9%A3", "max_age"),
        ("max_age=2147483648", "max_age"), ("max_age=" + "9" * 5000, "max_age"), ("max_age=60&max_age=99999", "max_age"),
        ("max_age=true", "max_age"), ("max_age=²", "max_age"),
    ],
)  # fmt: skip
def test_an_invalid_requirement_is_refused_for_every_session(
    send: Send, signed_in: SignedIn, query: str, field: str
) -> None:
    """Also for a session that would meet it: a mistake in the proxy's configuration shows at once."""
    step_up(signed_in)

    response = send(query)

    assert (response.status, response.code, response.identity) == (400, "validation_error", {})
    assert f'"errors": {{"{field}": ['.encode() in response.body


def test_an_invalid_token_is_refused_before_the_requirement_is_compared(db: None) -> None:
    for by in (via_django, via_wsgi):
        response = by("GET", {"Authorization": "Bearer x"}, "/forward-auth?acr=aal2")
        assert (response.status, response.code) == (401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "query", ["", "acr=aal1", "acr=aal2", "acr=aal3", "max_age=0", "max_age=x", "acr=aal1&acr=aal1"]
)
def test_both_paths_respond_alike(signed_in: SignedIn, query: str) -> None:
    headers, path = {"Authorization": f"Bearer {signed_in.access}"}, f"/forward-auth?{query}"

    assert normalized(via_wsgi("GET", headers, path)) == normalized(via_django("GET", headers, path))


def test_messages_of_invalid_values_are_in_the_language_of_each_request(signed_in: SignedIn) -> None:
    for by in (via_django, via_wsgi) * 2:
        texts = [
            by(
                "GET", {"Authorization": f"Bearer {signed_in.access}", "Accept-Language": code}, "/forward-auth?acr=x"
            ).body
            for code in ("en", "fr")
        ]
        assert [b"Not a valid value." in text for text in texts] == [True, False]


def test_a_requirement_costs_one_redis_command_and_no_sql(signed_in: SignedIn, measure: Measure) -> None:
    signed_in.client.put("/me")

    for query in ("acr=aal1&max_age=300", "acr=aal2"):
        assert measure(partial(signed_in.client.get, f"/forward-auth?{query}")) == Work(redis=[["GET"]])


def test_without_redis_the_requirement_is_checked_against_the_database(
    send: Send, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "pause", 60)
    breaker.record_failure()

    assert send("acr=aal2").status == 401
    step_up(signed_in)
    assert send("acr=aal2&max_age=300").status == 200


def test_a_clock_that_is_behind_does_not_make_a_new_authentication_old(send: Send, signed_in: SignedIn) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=30), tick=False):
        assert send("max_age=60").status == 200
