"""The fast path of `GET /me` responds as Django does, and from the current state of the database."""

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
from accounts.testing.parity import Headers, normalized, via_django, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from core.redis.client import breaker
from sessions_tracking import last_seen
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]

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
def signed_in(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice, data={"theme": "d\u2028rk", "é": [1, None]}, deviceName="Alice's <phone>")


def _bearer(signed_in: SignedIn) -> Headers:
    return {"Authorization": f"Bearer {signed_in.access}"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(headers=HEADERS, path=st.sampled_from(["/me", "/me/", "/profile"]))
def test_any_headers_get_the_response_of_the_ordinary_path(
    signed_in: SignedIn, headers: dict[str, str], path: str
) -> None:
    sent = {name: text.format(access=signed_in.access, refresh=signed_in.refresh) for name, text in headers.items()}

    assert normalized(via_wsgi("GET", sent, path)) == normalized(via_django("GET", sent, path))


def test_a_success_is_one_statement_without_view_or_redis(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.api.views.me._account_response", lambda _request: 1 / 0)
    breaker.record_failure()  # the request must succeed without Redis, too

    with CaptureQueriesContext(connection) as statements:
        response = via_wsgi("GET", _bearer(signed_in), "/me")

    assert (response.status, len(statements)) == (200, 1)
    user: dict[str, Any] = json.loads(response.body)["data"]["user"]
    assert (user["username"], [row["current"] for row in user["sessions"]]) == ("alice", [True])


@pytest.mark.parametrize("redis_is_unavailable", [False, True])
def test_a_logout_takes_effect_at_once(signed_in: SignedIn, redis_is_unavailable: bool) -> None:
    if redis_is_unavailable:
        breaker.record_failure()
    assert via_wsgi("GET", _bearer(signed_in), "/me").status == 200

    signed_in.client.post("/logout")

    response = via_wsgi("GET", _bearer(signed_in), "/me")
    assert (response.status, json.loads(response.body)["code"]) == (401, "session_revoked")


def test_an_expired_session_gets_401(signed_in: SignedIn) -> None:
    Session.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert via_wsgi("GET", _bearer(signed_in), "/me").status == 401


def test_an_expired_token_of_an_active_session_gets_token_expired(signed_in: SignedIn) -> None:
    assert via_wsgi("GET", _bearer(signed_in), "/me").status == 200

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        response = via_wsgi("GET", _bearer(signed_in), "/me")

    assert (response.status, json.loads(response.body)["code"]) == (401, "token_expired")


@pytest.mark.parametrize("change", [{"is_active": False}, {"id": None}])
def test_an_inactive_or_deleted_user_gets_401(signed_in: SignedIn, change: dict[str, Any]) -> None:
    if "id" in change:
        User.objects.get().delete()
    else:
        User.objects.update(**change)

    response = via_wsgi("GET", _bearer(signed_in), "/me")

    assert response.status == 401
    assert b"alice" not in response.body


def test_a_token_does_not_open_the_account_of_its_sessions_new_owner(
    signed_in: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    """No code moves a session to another user; the statement must not trust it either."""
    mallory_signed_in = sign_in(mallory)
    Session.objects.filter(id=signed_in.session_id).update(user=mallory)

    response = via_wsgi("GET", _bearer(signed_in), "/me")

    assert response.status == 401
    assert b"mallory" not in response.body
    assert via_wsgi("GET", _bearer(mallory_signed_in), "/me").status == 200


def test_a_changed_role_shows_at_once(signed_in: SignedIn) -> None:
    User.objects.update(role=Role.ADMIN)

    assert json.loads(via_wsgi("GET", _bearer(signed_in), "/me").body)["data"]["user"]["role"] == "ADMIN"


def test_a_request_records_that_the_session_was_seen(signed_in: SignedIn) -> None:
    last_seen.clear()

    via_wsgi("GET", _bearer(signed_in), "/me")

    assert {str(session_id) for session_id in last_seen._pending} == {signed_in.session_id}


def test_an_unavailable_database_gives_503_without_its_host(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_values: Any) -> None:
        raise OperationalError("connection to db.internal refused")

    monkeypatch.setattr(profile._LIVE_ACCOUNT, "fetch_all", fail)

    response = via_wsgi("GET", _bearer(signed_in), "/me")

    assert (response.status, json.loads(response.body)["code"]) == (503, "service_unavailable")
    assert "db.internal" not in response.body.decode()


def test_the_database_connection_is_released_once(signed_in: SignedIn, db_releases: list[None]) -> None:
    for headers in (_bearer(signed_in), {}, {"Authorization": "Bearer x"}):
        db_releases.clear()
        via_wsgi("GET", headers, "/me")
        assert len(db_releases) == 1
