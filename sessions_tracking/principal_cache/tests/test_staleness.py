"""After an outage Redis may hold something of before: no entry is believed until the database was asked about it once."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django_redis import get_redis_connection
from pytest_django import DjangoAssertNumQueries

from accounts.testing.api_client import SignedIn
from core.api.exceptions import SessionRevoked
from core.redis.connect import epochs
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS, key_of
from sessions_tracking.principal_cache.lookup import principal_of
from sessions_tracking.principal_cache.staleness import Doubt


@pytest.fixture
def session_id(alice: AbstractBaseUser, sign_in: Callable[..., SignedIn]) -> UUID:
    return UUID(sign_in(alice).session_id)


def _end_in_the_database(session_id: UUID) -> None:
    Session.objects.filter(id=session_id).update(revoked_at=datetime.now(UTC), revoked_reason=RevokedReason.LOGOUT)


def test_an_entry_of_before_is_believed_once_the_database_agreed(
    session_id: UUID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    known = principal_of(session_id)
    epochs.begin()

    with django_assert_num_queries(1):
        assert principal_of(session_id) == known
    with django_assert_num_queries(0):
        assert principal_of(session_id) == known


def test_an_entry_that_missed_a_revocation_revives_nobody(session_id: UUID) -> None:
    principal_of(session_id)
    _end_in_the_database(session_id)
    epochs.begin()

    with pytest.raises(SessionRevoked):
        principal_of(session_id)


def test_an_entry_that_missed_a_change_of_role_is_replaced(session_id: UUID, alice: AbstractBaseUser) -> None:
    principal_of(session_id)
    get_user_model().objects.filter(pk=alice.pk).update(role="ADMIN")
    epochs.begin()

    assert principal_of(session_id).role == "ADMIN"
    assert b"ADMIN" in get_redis_connection("default").get(key_of(session_id))


def test_a_mark_is_believed_at_once(session_id: UUID, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    _end_in_the_database(session_id)
    with pytest.raises(SessionRevoked):
        principal_of(session_id)
    epochs.begin()

    with django_assert_num_queries(0), pytest.raises(SessionRevoked):
        principal_of(session_id)


def test_doubt_is_over_when_everything_of_before_has_lapsed() -> None:
    doubt, session_id = Doubt(ACTIVE_ENTRY_SECONDS), uuid4()
    assert not doubt.covers(session_id)
    epochs.begin()
    assert doubt.covers(session_id)

    doubt._until -= ACTIVE_ENTRY_SECONDS

    assert not doubt.covers(session_id)
    doubt.settle(session_id, epoch=doubt.current_epoch())
    assert not doubt._settled


def test_what_was_settled_is_let_go_of_when_doubt_is_over() -> None:
    doubt = Doubt(ACTIVE_ENTRY_SECONDS)
    epochs.begin()
    doubt.settle(uuid4(), epoch=doubt.current_epoch())
    assert len(doubt._settled) == 1

    doubt._until -= ACTIVE_ENTRY_SECONDS
    doubt.covers(uuid4())

    assert not doubt._settled


def test_a_question_of_before_settles_nothing_of_now() -> None:
    doubt, session_id = Doubt(ACTIVE_ENTRY_SECONDS), uuid4()
    before = doubt.current_epoch()
    epochs.begin()

    doubt.settle(session_id, epoch=before)
    assert doubt.covers(session_id)

    doubt.settle(session_id, epoch=doubt.current_epoch())
    assert not doubt.covers(session_id)
