"""Idle and old sessions of the admin expire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session as AdminSession
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.services import cleanup
from accounts.testing.api_client import PASSWORD
from accounts.testing.query_counter import Measure


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 1, 15, 9, 0, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def signed_in(superuser: User, client: Client, clock: time_machine.Traveller) -> Client:
    client.post("/admin/login/", {"username": "grace", "password": PASSWORD})
    assert _is_signed_in(client)
    return client


def _is_signed_in(client: Client) -> bool:
    return client.get("/admin/password_change/").status_code == 200


def test_an_idle_session_expires_after_an_hour(signed_in: Client, clock: time_machine.Traveller) -> None:
    for _ in range(3):
        clock.shift(timedelta(minutes=59))
        assert _is_signed_in(signed_in)

    clock.shift(timedelta(minutes=60))

    assert not _is_signed_in(signed_in)
    assert not AdminSession.objects.exists()


def test_a_session_in_use_expires_after_twelve_hours(signed_in: Client, clock: time_machine.Traveller) -> None:
    for _ in range(23):
        clock.shift(timedelta(minutes=30))
        assert _is_signed_in(signed_in)

    clock.shift(timedelta(minutes=30))

    assert not _is_signed_in(signed_in)


def test_a_new_login_starts_a_new_lifetime(signed_in: Client, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(hours=2))
    assert not _is_signed_in(signed_in)

    signed_in.post("/admin/login/", {"username": "grace", "password": PASSWORD})

    clock.shift(timedelta(minutes=59))
    assert _is_signed_in(signed_in)


def test_the_idle_time_is_a_setting(signed_in: Client, clock: time_machine.Traveller, settings: Settings) -> None:
    settings.ADMIN_SESSION_IDLE = timedelta(minutes=5)

    clock.shift(timedelta(minutes=5))

    assert not _is_signed_in(signed_in)


@pytest.mark.parametrize("settings_of_the_session", [{}, {"started_at": 0}])
def test_a_session_without_timestamps_gets_a_lifetime(
    signed_in: Client, clock: time_machine.Traveller, settings_of_the_session: dict[str, int]
) -> None:
    session = signed_in.session
    del session["started_at"], session["seen_at"]
    session.update({name: int(datetime.now(UTC).timestamp()) for name in settings_of_the_session})
    session.save()
    assert _is_signed_in(signed_in)

    clock.shift(timedelta(hours=1))

    assert not _is_signed_in(signed_in)


def test_a_session_is_saved_at_most_once_a_minute(
    signed_in: Client, clock: time_machine.Traveller, measure: Measure
) -> None:
    def writes() -> int:
        work = measure(lambda: _is_signed_in(signed_in))
        return sum(not statement.startswith("SELECT") for statement in work.sql)

    assert [writes(), writes()] == [0, 0]
    clock.shift(timedelta(seconds=61))
    assert [writes(), writes()] == [1, 0]


def test_the_cleanup_deletes_only_expired_admin_sessions(
    signed_in: Client, superuser: User, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(hours=13))
    Client().force_login(superuser)

    assert cleanup.delete_expired()["admin sessions"] == 1
    assert AdminSession.objects.count() == 1
