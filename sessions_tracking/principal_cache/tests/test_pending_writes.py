"""What Redis could not be told: this process acts by it at once, and Redis hears of it when it listens again."""

import threading
import time
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
from sessions_tracking import services
from sessions_tracking.models import RevokedReason
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache import invalidation, pending_writes
from sessions_tracking.principal_cache.entries import REVOKED, STALE, cache_key
from sessions_tracking.principal_cache.lookup import get_principal

SignIn = Callable[..., SignedIn]


class Deafness:
    """Redis as seen from here: while `is_deaf` nothing reaches it. It knows nothing of a new epoch afterwards."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.is_deaf = False
        self._patch = patch
        patch.setattr(pending_writes, "background_client", self._client)

    def _client(self) -> redis.Redis:
        if self.is_deaf:
            raise redis.ConnectionError
        return background_client()

    def begin(self) -> None:
        self.is_deaf = True
        shut = Breaker(60)
        shut.record_failure()
        self._patch.setattr(guarded, "breaker", shut)

    def let_requests_through(self) -> None:
        self._patch.setattr(guarded, "breaker", Breaker(60))

    def end(self) -> None:
        self.let_requests_through()
        self.is_deaf = False


@pytest.fixture
def deafness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deafness]:
    deafness = Deafness(monkeypatch)
    yield deafness
    deafness.end()
    _wait_until(lambda: not pending_writes._pending)


@pytest.fixture
def session_id(alice: AbstractBaseUser, sign_in: SignIn) -> UUID:
    """Of a session that Redis knows to be active."""
    session_id = UUID(sign_in(alice).session_id)
    get_principal(session_id)
    return session_id


def _wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _held(session_id: UUID) -> bytes:
    found: bytes = get_redis_connection("default").get(cache_key(session_id))
    return found


@pytest.mark.django_db(transaction=True)
def test_a_revocation_that_redis_missed_applies_in_this_process_at_once(session_id: UUID, deafness: Deafness) -> None:
    deafness.begin()
    services.revoke(session_id=session_id, reason=RevokedReason.LOGOUT)
    deafness.let_requests_through()
    assert b"username" in _held(session_id)

    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_pending_writes_are_written_when_redis_is_available_again(session_id: UUID, deafness: Deafness) -> None:
    deafness.begin()
    invalidation.mark_revoked([session_id])
    assert _held(session_id) != REVOKED

    deafness.end()

    _wait_until(lambda: _held(session_id) == REVOKED)


def test_a_role_change_that_redis_missed_applies_in_this_process(
    session_id: UUID, deafness: Deafness, alice: AbstractBaseUser
) -> None:
    get_user_model().objects.filter(pk=alice.pk).update(role="ADMIN")
    deafness.begin()
    invalidation.replace_entries([Principal(id=alice.pk, username="alice", role="ADMIN", session_id=session_id)])
    deafness.let_requests_through()
    assert get_principal(session_id).role == "ADMIN"

    deafness.end()

    _wait_until(lambda: _held(session_id) == STALE)
    assert get_principal(session_id).role == "ADMIN"


def test_a_node_with_an_older_read_cannot_overwrite_a_stale_entry(session_id: UUID, alice: AbstractBaseUser) -> None:
    get_redis_connection("default").set(cache_key(session_id), STALE)

    invalidation.replace_entries([Principal(id=alice.pk, username="alice", role="USER", session_id=session_id)])

    assert _held(session_id) == STALE


def test_an_expired_pending_write_is_discarded(deafness: Deafness) -> None:
    deafness.begin()
    key = cache_key(uuid4())
    pending_writes.enqueue([key], marker=REVOKED, seconds=0)

    _wait_until(lambda: not pending_writes.is_pending(key))


def test_the_oldest_pending_writes_are_discarded_at_the_limit(
    deafness: Deafness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_writes, "_MAX_PENDING", 3)
    deafness.begin()
    keys = [cache_key(uuid4()) for _ in range(5)]
    for key in keys:
        pending_writes.enqueue([key], marker=REVOKED, seconds=60)

    assert [pending_writes.is_pending(key) for key in keys] == [False, False, True, True, True]


def test_one_thread_retries_all_writes_and_stops_when_none_is_left(deafness: Deafness) -> None:
    deafness.begin()
    before = threading.active_count()
    for _ in range(20):
        pending_writes.enqueue([cache_key(uuid4())], marker=REVOKED, seconds=60)
    assert threading.active_count() == before + 1

    deafness.end()

    _wait_until(lambda: threading.active_count() == before)
