"""After an outage the entries in Redis may be stale: each is checked in the database once before it is trusted."""

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
from core.redis.connect import cache_generation
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS, cache_key
from sessions_tracking.principal_cache.lookup import get_principal
from sessions_tracking.principal_cache.staleness import StaleCacheGuard


@pytest.fixture
def session_id(alice: AbstractBaseUser, sign_in: Callable[..., SignedIn]) -> UUID:
    return UUID(sign_in(alice).session_id)


def _revoke_in_the_database(session_id: UUID) -> None:
    Session.objects.filter(id=session_id).update(revoked_at=datetime.now(UTC), revoked_reason=RevokedReason.LOGOUT)


def test_an_old_entry_is_trusted_after_one_database_check(
    session_id: UUID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    principal = get_principal(session_id)
    cache_generation.bump()

    with django_assert_num_queries(1):
        assert get_principal(session_id) == principal
    with django_assert_num_queries(0):
        assert get_principal(session_id) == principal


def test_an_entry_that_missed_a_revocation_is_not_trusted(session_id: UUID) -> None:
    get_principal(session_id)
    _revoke_in_the_database(session_id)
    cache_generation.bump()

    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_an_entry_that_missed_a_role_change_is_replaced(session_id: UUID, alice: AbstractBaseUser) -> None:
    get_principal(session_id)
    get_user_model().objects.filter(pk=alice.pk).update(role="ADMIN")
    cache_generation.bump()

    assert get_principal(session_id).role == "ADMIN"
    assert b"ADMIN" in get_redis_connection("default").get(cache_key(session_id))


def test_a_revoked_entry_is_trusted_without_a_database_check(
    session_id: UUID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _revoke_in_the_database(session_id)
    with pytest.raises(SessionRevoked):
        get_principal(session_id)
    cache_generation.bump()

    with django_assert_num_queries(0), pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_entries_are_trusted_again_after_their_lifetime() -> None:
    guard, session_id = StaleCacheGuard(ACTIVE_ENTRY_SECONDS), uuid4()
    assert not guard.must_revalidate(session_id)
    cache_generation.bump()
    assert guard.must_revalidate(session_id)

    guard._until -= ACTIVE_ENTRY_SECONDS

    assert not guard.must_revalidate(session_id)
    guard.mark_revalidated(session_id, generation=guard.generation())
    assert not guard._revalidated


def test_revalidated_ids_are_released_when_all_old_entries_have_expired() -> None:
    guard = StaleCacheGuard(ACTIVE_ENTRY_SECONDS)
    cache_generation.bump()
    guard.mark_revalidated(uuid4(), generation=guard.generation())
    assert len(guard._revalidated) == 1

    guard._until -= ACTIVE_ENTRY_SECONDS
    guard.must_revalidate(uuid4())

    assert not guard._revalidated


def test_a_check_of_an_earlier_generation_revalidates_nothing() -> None:
    guard, session_id = StaleCacheGuard(ACTIVE_ENTRY_SECONDS), uuid4()
    old_generation = guard.generation()
    cache_generation.bump()

    guard.mark_revalidated(session_id, generation=old_generation)
    assert guard.must_revalidate(session_id)

    guard.mark_revalidated(session_id, generation=guard.generation())
    assert not guard.must_revalidate(session_id)
