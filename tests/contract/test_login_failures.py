"""A failed login through the whole WSGI application: counted, audited and logged once."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent, AuditKind, User
from accounts.passwords import hashing_limiter
from accounts.testing.api_client import PASSWORD
from accounts.testing.parity import ApiResult, via_wsgi
from accounts.testing.parity import db_releases as db_releases
from core.api.exceptions import Overloaded
from core.observability import access_log
from core.observability.access_log_format import AccessRecord

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("db_releases", "alice")]


def _log_in(**fields: Any) -> ApiResult:
    body = json.dumps({"username": "alice", "password": PASSWORD} | fields).encode()
    return via_wsgi("POST", {}, "/login", body)


def test_a_wrong_password_is_counted_and_audited_once(limits_on: Settings, alice: User) -> None:
    response = _log_in(password="wrong")

    assert (response.status, response.code) == (401, "invalid_credentials")
    event = AuditEvent.objects.get(kind=AuditKind.LOGIN_FAILED)
    assert (event.user_id, event.request_id) == (alice.id, response.headers["X-Request-Id"])
    assert response.headers["RateLimit-Remaining"] == "4"


def test_the_access_log_names_the_user_of_a_failed_login(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[AccessRecord] = []
    monkeypatch.setattr(access_log, "record", records.append)

    _log_in(password="wrong")

    assert [(record.route, record.status, record.identity.user_id) for record in records] == [
        ("/api/auth/login", 401, alice.id)
    ]


def test_a_login_that_is_rejected_for_overload_counts_in_no_limit(
    limits_on: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject() -> None:
        raise Overloaded

    monkeypatch.setattr(hashing_limiter, "ensure_capacity", reject)

    responses = [_log_in() for _ in range(3)]

    assert {(response.status, response.headers["Retry-After"]) for response in responses} == {(503, "5")}
    assert not any("RateLimit" in name for name in responses[-1].headers)
