"""`last_seen_at` is recorded without SQL and written in the background, at most once a minute per session."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.testing.api_client import SignedIn
from sessions_tracking import last_seen
from sessions_tracking.models import Session, SessionQuerySet

SignIn = Callable[..., SignedIn]

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def signed_in(alice: AbstractBaseUser, sign_in: SignIn) -> SignedIn:
    """Sign alice in, with an old `last_seen_at`."""
    signed_in = sign_in(alice)
    Session.objects.update(last_seen_at=LONG_AGO)
    return signed_in


def _last_seen_at() -> datetime:
    return Session.objects.get().last_seen_at


def test_a_request_is_recorded_and_written_later(signed_in: SignedIn) -> None:
    signed_in.client.get("/me")
    assert _last_seen_at() == LONG_AGO

    last_seen.flush()

    assert datetime.now(UTC) - _last_seen_at() < timedelta(seconds=5)
    assert signed_in.client.get("/sessions").json()["data"]["sessions"][0]["lastSeenAt"] > "2026-01-01"


def test_a_session_is_written_at_most_once_a_minute(signed_in: SignedIn) -> None:
    signed_in.client.get("/me")
    last_seen.flush()
    Session.objects.update(last_seen_at=LONG_AGO)

    for _ in range(3):
        signed_in.client.get("/me")
    last_seen.flush()

    assert _last_seen_at() == LONG_AGO


def test_a_time_written_by_another_process_within_the_minute_stays(signed_in: SignedIn) -> None:
    half_a_minute_ago = datetime.now(UTC) - timedelta(seconds=30)
    signed_in.client.get("/me")
    Session.objects.update(last_seen_at=half_a_minute_ago)

    last_seen.flush()

    assert _last_seen_at() == half_a_minute_ago


def test_a_rejected_token_does_not_count_as_activity(signed_in: SignedIn) -> None:
    signed_in.client.post("/logout")
    last_seen.clear()

    signed_in.client.get("/me")
    last_seen.flush()

    assert _last_seen_at() == LONG_AGO


def test_many_sessions_need_one_update(
    alice: AbstractBaseUser, sign_in: SignIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        sign_in(alice).client.get("/sessions")
    Session.objects.update(last_seen_at=LONG_AGO)

    with django_assert_num_queries(1):
        last_seen.flush()

    assert not Session.objects.filter(last_seen_at=LONG_AGO).exists()


def test_recording_needs_no_query(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        for _ in range(3):
            last_seen.record(uuid4())


def test_an_unavailable_database_only_logs_a_warning(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    signed_in.client.get("/me")

    def fail(*_: Any, **__: Any) -> int:
        raise OperationalError("gone")

    monkeypatch.setattr(SessionQuerySet, "update", fail)
    last_seen.flush()

    assert "could not update last_seen_at of 1 sessions" in caplog.text


def test_only_the_first_record_starts_a_writer(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[float] = []
    monkeypatch.setattr(last_seen, "_start_writer", started.append)
    settings.LAST_SEEN_WRITE_SECONDS = 5.0

    for _ in range(3):
        last_seen.record(uuid4())
    assert started == [5.0]

    last_seen.flush()
    last_seen.record(uuid4())
    assert started == [5.0, 5.0]


def test_the_writer_thread_closes_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(last_seen, "flush", lambda: calls.append("written"))
    monkeypatch.setattr(last_seen, "connection", SimpleNamespace(close=lambda: calls.append("closed")))

    last_seen._flush_in_thread()

    assert calls == ["written", "closed"]


def test_the_number_of_recorded_sessions_is_bounded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_seen, "_MAX_RECORDED", 10)

    for _ in range(25):
        last_seen.record(uuid4())

    assert len(last_seen._recorded) <= 10
