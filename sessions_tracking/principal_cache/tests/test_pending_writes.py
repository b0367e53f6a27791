"""Writes that Redis missed apply in this process at once, and are written when Redis is available again."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
import redis
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django_redis import get_redis_connection

from accounts.testing.api_client import SignedIn
from core.api.exceptions import SessionRevoked
from core.redis import client as guarded
from core.redis.client import Breaker, background_client
from core.testing.waiting import wait_until
from sessions_tracking import services
from sessions_tracking.authentication_context import authenticated_now
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache import invalidation, pending_writes
from sessions_tracking.principal_cache.entries import REVOKED, STALE, cache_key
from sessions_tracking.principal_cache.lookup import get_principal

SignIn = Callable[..., SignedIn]


class RedisOutage:
    """Make Redis unreachable for this process while `is_down`. The outage starts no new cache generation."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.is_down = False
        self._patch = patch
        patch.setattr(pending_writes, "background_client", self._client)

    def _client(self) -> redis.Redis:
        if self.is_down:
            raise redis.ConnectionError
        return background_client()

    def start(self) -> None:
        self.is_down = True
        open_breaker = Breaker(60)
        open_breaker.record_failure()
        self._patch.setattr(guarded, "breaker", open_breaker)

    def allow_requests(self) -> None:
        self._patch.setattr(guarded, "breaker", Breaker(60))

    def end(self) -> None:
        self.allow_requests()
        self.is_down = False


@pytest.fixture
def redis_outage(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisOutage]:
    outage = RedisOutage(monkeypatch)
    yield outage
    outage.end()
    wait_until(lambda: not pending_writes._pending)


@pytest.fixture
def session_id(alice: AbstractBaseUser, sign_in: SignIn) -> UUID:
    """The id of a session with an active entry in Redis."""
    session_id = UUID(sign_in(alice).session_id)
    get_principal(session_id)
    return session_id


def _principal(user: AbstractBaseUser, session_id: UUID, *, role: str) -> Principal:
    return Principal(user.pk, "alice", role, session_id, authenticated_now("pwd"))


def _entry(session_id: UUID) -> bytes:
    entry: bytes = get_redis_connection("default").get(cache_key(session_id))
    return entry


@pytest.mark.django_db(transaction=True)
def test_a_revocation_that_redis_missed_applies_in_this_process_at_once(
    session_id: UUID, redis_outage: RedisOutage
) -> None:
    redis_outage.start()
    services.revoke(session_id=session_id, reason=RevokedReason.LOGOUT)
    redis_outage.allow_requests()
    assert b"username" in _entry(session_id)

    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_pending_writes_are_written_when_redis_is_available_again(session_id: UUID, redis_outage: RedisOutage) -> None:
    redis_outage.start()
    invalidation.mark_revoked([session_id])
    assert _entry(session_id) != REVOKED

    redis_outage.end()

    wait_until(lambda: _entry(session_id) == REVOKED)


def test_a_role_change_that_redis_missed_applies_in_this_process(
    session_id: UUID, redis_outage: RedisOutage, alice: AbstractBaseUser
) -> None:
    get_user_model().objects.filter(pk=alice.pk).update(role="ADMIN")
    redis_outage.start()
    invalidation.replace_entries([_principal(alice, session_id, role="ADMIN")])
    redis_outage.allow_requests()
    assert get_principal(session_id).role == "ADMIN"

    redis_outage.end()

    wait_until(lambda: _entry(session_id) == STALE)
    assert get_principal(session_id).role == "ADMIN"


def test_a_node_with_an_older_read_cannot_overwrite_a_stale_entry(session_id: UUID, alice: AbstractBaseUser) -> None:
    get_redis_connection("default").set(cache_key(session_id), STALE)

    invalidation.replace_entries([_principal(alice, session_id, role="USER")])

    assert _entry(session_id) == STALE


def test_an_expired_pending_write_is_discarded(redis_outage: RedisOutage) -> None:
    redis_outage.start()
    key = cache_key(uuid4())
    pending_writes.enqueue([key], marker=REVOKED, seconds=0)

    wait_until(lambda: not pending_writes.is_pending(key))
    redis_outage.end()
    assert get_redis_connection("default").get(key) is None


def test_the_oldest_pending_writes_are_discarded_at_the_limit(
    redis_outage: RedisOutage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_writes, "_MAX_PENDING", 3)
    redis_outage.start()
    keys = [cache_key(uuid4()) for _ in range(5)]
    for key in keys:
        pending_writes.enqueue([key], marker=REVOKED, seconds=60)

    assert [pending_writes.is_pending(key) for key in keys] == [False, False, True, True, True]


def test_one_thread_retries_all_writes_and_stops_when_none_is_left(redis_outage: RedisOutage) -> None:
    redis_outage.start()
    before = threading.active_count()
    for _ in range(20):
        pending_writes.enqueue([cache_key(uuid4())], marker=REVOKED, seconds=60)
    assert threading.active_count() == before + 1

    redis_outage.end()

    wait_until(lambda: threading.active_count() == before)
