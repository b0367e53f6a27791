"""`POST /refresh` through the whole WSGI application: rotated, counted, audited and logged once."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, OutboxEmail
from accounts.services import refresh
from accounts.testing.api_client import SignedIn
from accounts.testing.parity import ApiResult, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from core.observability import access_log
from core.observability.access_log_format import AccessRecord
from core.rejected_requests import writer
from core.rejected_requests.writer import TokenReader
from core.throttling.rates import rate_parser
from sessions_tracking import rotation
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases")]


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]


def _refresh(token: str, **headers: str) -> ApiResult:
    return via_wsgi("POST", headers, "/refresh", json.dumps({"refreshToken": token}).encode())


@pytest.mark.parametrize("origin", [None, "https://app.example.com"])
def test_a_refresh_is_one_statement_with_and_without_an_origin(signed_in: SignedIn, origin: str | None) -> None:
    with CaptureQueriesContext(connection) as statements:
        response = _refresh(signed_in.refresh, **({"Origin": origin} if origin else {}))

    assert (response.status, len(statements)) == (200, 1)
    assert response.headers.get("access-control-allow-origin") == origin


def test_a_reused_token_ends_the_session_and_is_reported_once(signed_in: SignedIn, settings: Settings) -> None:
    settings.REFRESH_REUSE_GRACE = timedelta(0)
    successor = json.loads(_refresh(signed_in.refresh).body)["data"]["token"]

    response = _refresh(signed_in.refresh)

    assert (response.status, response.code) == (401, "refresh_token_reused")
    assert Session.objects.get().revoked_reason == RevokedReason.REFRESH_REUSED
    event = AuditEvent.objects.get(kind=AuditKind.REFRESH_TOKEN_REUSED)
    assert event.request_id == response.headers["X-Request-Id"]
    assert OutboxEmail.objects.filter(kind="refresh_token_reused").count() == 1
    assert via_wsgi("GET", {"Authorization": f"Bearer {successor}"}, "/me").status == 401


def test_each_refresh_counts_once_and_reports_its_limit(signed_in: SignedIn, limits_on: Settings) -> None:
    limits_on.RATE_LIMIT_REFRESH = rate_parser("refresh")("2/m")

    responses = [_refresh(signed_in.refresh) for _ in range(4)]

    assert [response.code for response in responses] == ["ok", "ok", "rate_limited", "rate_limited"]
    assert [response.headers["RateLimit-Remaining"] for response in responses] == ["1", "0", "0", "0"]
    assert all("Retry-After" in response.headers for response in responses[2:])


def test_a_failure_after_the_rotation_is_not_retried(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = Mock(side_effect=ZeroDivisionError)
    monkeypatch.setattr(refresh, "mint_pair", mint)

    response = _refresh(signed_in.refresh)

    assert (response.status, response.code, mint.call_count) == (500, "server_error", 1)


def test_an_unavailable_database_gives_503_without_its_host(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_values: Any) -> None:
        raise OperationalError("connection to db.internal refused")

    monkeypatch.setattr(rotation, "rotate", fail)

    response = _refresh(signed_in.refresh)

    assert (response.status, response.code) == (503, "service_unavailable")
    assert "db.internal" not in response.body.decode()


def test_the_access_log_names_the_session_of_a_refresh(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[AccessRecord] = []
    monkeypatch.setattr(access_log, "record", records.append)

    response = _refresh(signed_in.refresh)

    assert [(record.method, record.route, record.status, str(record.identity.session_id)) for record in records] == [
        ("POST", "/api/auth/refresh", 200, signed_in.session_id)
    ]
    assert records[0].request_id == response.headers["X-Request-Id"]


def test_the_record_of_a_rejected_refresh_names_the_session_of_its_token(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is read again from the body, which the view has already read."""
    readers: list[TokenReader] = []
    monkeypatch.setattr(writer, "record", lambda _request, reader: readers.append(reader))
    sessions.revoke(session_id=uuid.UUID(signed_in.session_id), reason=RevokedReason.LOGOUT)

    assert _refresh(signed_in.refresh).code == "session_revoked"

    assert [str(reader()[1]) for reader in readers] == [signed_in.session_id]
