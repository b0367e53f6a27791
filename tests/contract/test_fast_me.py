"""`GET /me` is answered in front of Django where it can be, and nobody can tell by the answer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Role, User
from accounts.services import profile
from accounts.testing.api_client import SignedIn
from accounts.testing.parity import Answer, Headers, by_client, by_server
from accounts.testing.parity import closings as closings
from core.redis.client import breaker
from sessions_tracking import last_seen
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("closings")]

LANGUAGES = ["fr", "en", "de", "fr;q=0", "fr-CA,fr;q=0.5", "*", "", ",;q=", "fr;q=0.0, en"]
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "text/html", "application/xml", ""]),
        "Accept-Language": st.sampled_from(LANGUAGES),
        "Cookie": st.sampled_from(["jwt={access}", "jwt={refresh}", "jwt=", "jwt=x; jwt={access}", "django_language=fr; a"]),
        "Authorization": st.sampled_from(
            ["Bearer {access}", "bearer {access}", "Bearer  {access}", "Bearer {refresh}", "Basic YTpi", "Bearer", "", "{access}"]
        ),
        "Origin": st.sampled_from(["https://app.example.com", "https://evil.example", "null"]),
        "Host": st.sampled_from(["testserver", "evil.example", "testserver:80", ""]),
        "Sec-Fetch-Site": st.sampled_from(["cross-site", "same-origin"]),
        "X-Forwarded-For": st.just("203.0.113.9"),
        "X-Forwarded-Method": st.just("POST"),
    },
)  # fmt: skip


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]


@pytest.fixture
def here(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice, data={"theme": "d\u2028rk", "é": [1, None]}, deviceName="Alice's <phone>")


def _bearer(signed_in: SignedIn) -> Headers:
    return {"Authorization": f"Bearer {signed_in.access}"}


def _same(one: Answer, other: Answer) -> bool:
    """But for the name of the request."""
    mine, theirs = ({k: v for k, v in each.headers.items() if k != "X-Request-Id"} for each in (one, other))
    return (one.status, one.body, mine) == (other.status, other.body, theirs)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=HEADERS, path=st.sampled_from(["/me", "/me/", "/profile"]))
def test_whatever_is_asked_django_would_have_said_the_same(here: SignedIn, headers: dict[str, str], path: str) -> None:
    asked = {name: text.format(access=here.access, refresh=here.refresh) for name, text in headers.items()}

    assert _same(by_server("GET", asked, path), by_client("GET", asked, path))


def test_it_is_answered_in_front_of_django_by_one_statement(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.api.views.me._account_response", lambda _request: 1 / 0)
    breaker.record_failure()  # nor is Redis needed

    with CaptureQueriesContext(connection) as statements:
        answer = by_server("GET", _bearer(here), "/me")

    assert (answer.status, len(statements)) == (200, 1)
    user: dict[str, Any] = json.loads(answer.body)["data"]["user"]
    assert (user["username"], [row["current"] for row in user["sessions"]]) == ("alice", [True])


@pytest.mark.parametrize("redis_is_away", [False, True])
def test_a_logout_is_known_at_once(here: SignedIn, redis_is_away: bool) -> None:
    if redis_is_away:
        breaker.record_failure()
    assert by_server("GET", _bearer(here), "/me").status == 200

    here.client.post("/logout")

    answer = by_server("GET", _bearer(here), "/me")
    assert (answer.status, json.loads(answer.body)["code"]) == (401, "session_revoked")


def test_a_session_that_is_over_by_the_clock_shows_nothing(here: SignedIn) -> None:
    Session.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert by_server("GET", _bearer(here), "/me").status == 401


def test_an_expired_token_of_a_live_session_is_told_apart(here: SignedIn) -> None:
    assert by_server("GET", _bearer(here), "/me").status == 200

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        answer = by_server("GET", _bearer(here), "/me")

    assert (answer.status, json.loads(answer.body)["code"]) == (401, "token_expired")


@pytest.mark.parametrize("change", [{"is_active": False}, {"id": None}])
def test_who_is_inactive_or_gone_is_shown_nothing(here: SignedIn, change: dict[str, Any]) -> None:
    if "id" in change:
        User.objects.get().delete()
    else:
        User.objects.update(**change)

    answer = by_server("GET", _bearer(here), "/me")

    assert answer.status == 401
    assert b"alice" not in answer.body


def test_a_live_session_of_another_opens_no_account(here: SignedIn, mallory: User, sign_in: SignIn) -> None:
    """As a token would whose session was given to somebody else, which no code of ours does."""
    hers = sign_in(mallory)
    Session.objects.filter(id=here.session_id).update(user=mallory)

    answer = by_server("GET", _bearer(here), "/me")

    assert answer.status == 401
    assert b"mallory" not in answer.body
    assert by_server("GET", _bearer(hers), "/me").status == 200


def test_rights_are_those_of_now(here: SignedIn) -> None:
    User.objects.update(role=Role.ADMIN)

    assert json.loads(by_server("GET", _bearer(here), "/me").body)["data"]["user"]["role"] == "ADMIN"


def test_whoever_asked_was_seen(here: SignedIn) -> None:
    last_seen.clear()

    by_server("GET", _bearer(here), "/me")

    assert {str(session_id) for session_id in last_seen._pending} == {here.session_id}


def test_a_database_that_is_away_is_said_to_be(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_values: Any) -> None:
        raise OperationalError("connection to db.internal refused")

    monkeypatch.setattr(profile._LIVE_ACCOUNT, "fetch_all", fail)

    answer = by_server("GET", _bearer(here), "/me")

    assert (answer.status, json.loads(answer.body)["code"]) == (503, "service_unavailable")
    assert "db.internal" not in answer.body.decode()


def test_no_connection_to_the_database_is_kept(here: SignedIn, closings: list[None]) -> None:
    for headers in (_bearer(here), {}, {"Authorization": "Bearer x"}):
        closings.clear()
        by_server("GET", headers, "/me")
        assert len(closings) == 1
