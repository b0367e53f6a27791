"""Redis caches the principals of sessions: lost or invalid entries never make a revoked session active again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django_redis import get_redis_connection
from pytest_django import DjangoAssertNumQueries

from accounts.testing.api_client import SignedIn
from core.api.exceptions import SessionRevoked
from sessions_tracking import services
from sessions_tracking.authentication_context import authenticated_now
from sessions_tracking.models import RevokedReason, Session
from sessions_tracking.principal import Principal
from sessions_tracking.principal_cache import invalidation, lookup
from sessions_tracking.principal_cache.entries import ACTIVE_ENTRY_SECONDS
from sessions_tracking.principal_cache.lookup import get_principal

SignIn = Callable[..., SignedIn]
Redis = Any


@pytest.fixture
def redis() -> Redis:
    return get_redis_connection("default")


@pytest.fixture
def session_id(signed_in: SignedIn) -> UUID:
    return UUID(signed_in.session_id)


def _key(session_id: UUID) -> str:
    return f"vestibule:session:{session_id}"


def _entry_with(**values: Any) -> bytes:
    """Return an entry that would make its reader an administrator if it were trusted."""
    context = {"amr": "pwd otp mfa", "acr": "aal2", "auth_time": 1768469700}
    entry = {"user": "01981c5e-6b3a-7c41-9d58-2f0a4e6b7c8d", "username": "root", "role": "ADMIN"}
    return json.dumps(entry | context | values).encode()


def _former_entry() -> bytes:
    """Return an entry as the former version writes it, which has `second_factor` instead of a context."""
    entry = json.loads(_entry_with(second_factor=True))
    return json.dumps({name: entry[name] for name in ("user", "username", "role", "second_factor")}).encode()


def _revoke_in_the_database(session_id: UUID) -> None:
    """Revoke the session without writing to Redis, as a process that cannot reach Redis does."""
    Session.objects.filter(id=session_id).update(revoked_at=datetime.now(UTC), revoked_reason=RevokedReason.LOGOUT)


def _principal(session_id: UUID, role: str = "USER") -> Principal:
    return Principal(uuid4(), "alice", role, session_id, authenticated_now("pwd"))


def test_the_first_lookup_queries_the_database_and_later_ones_only_redis(
    session_id: UUID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        first = get_principal(session_id)
    with django_assert_num_queries(0):
        assert get_principal(session_id) == first


def test_an_active_entry_lives_at_most_30_seconds(session_id: UUID, redis: Redis) -> None:
    get_principal(session_id)
    assert 0 < redis.ttl(_key(session_id)) <= ACTIVE_ENTRY_SECONDS == 30

    invalidation.replace_entries([_principal(session_id)])
    assert 0 < redis.ttl(_key(session_id)) <= 30


def test_a_cache_hit_does_not_extend_the_ttl(session_id: UUID, redis: Redis) -> None:
    get_principal(session_id)
    redis.expire(_key(session_id), 5)

    get_principal(session_id)

    assert redis.ttl(_key(session_id)) <= 5


def test_an_entry_is_small_json_without_personal_data(session_id: UUID, redis: Redis) -> None:
    get_principal(session_id)

    assert set(json.loads(redis.get(_key(session_id)))) == {"user", "username", "role", "amr", "acr", "auth_time"}
    assert b"example.com" not in redis.get(_key(session_id))


def test_a_revoked_entry_outlives_every_access_token(signed_in: SignedIn, session_id: UUID, redis: Redis) -> None:
    signed_in.client.post("/logout")

    assert json.loads(redis.get(_key(session_id))) == {"revoked": True}
    assert redis.ttl(_key(session_id)) >= 15 * 60


def test_flushing_redis_restores_no_revoked_session_and_signs_no_user_out(
    signed_in: SignedIn, alice: AbstractBaseUser, sign_in: SignIn, redis: Redis
) -> None:
    other = sign_in(alice)
    signed_in.client.post("/logout")

    redis.flushdb()

    assert signed_in.client.get("/me").json()["code"] == "session_revoked"
    assert other.client.get("/me").status_code == 200


def test_a_reader_racing_a_revocation_cannot_restore_the_old_entry(session_id: UUID, redis: Redis) -> None:
    stale_principal = get_principal(session_id)
    redis.flushdb()
    services.revoke(session_id=session_id, reason=RevokedReason.LOGOUT)
    invalidation.mark_revoked([session_id])

    lookup._store(stale_principal)

    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_a_name_or_role_change_never_restores_a_revoked_session(session_id: UUID) -> None:
    invalidation.mark_revoked([session_id])

    invalidation.replace_entries([_principal(session_id, role="ADMIN")])

    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_a_role_change_replaces_the_cached_entry(session_id: UUID) -> None:
    get_principal(session_id)

    invalidation.replace_entries([_principal(session_id, role="ADMIN")])

    assert get_principal(session_id).role == "ADMIN"


def test_a_revocation_replaces_an_entry_of_any_type(session_id: UUID, redis: Redis) -> None:
    get_principal(session_id)
    invalidation.mark_revoked([session_id])
    with pytest.raises(SessionRevoked):
        get_principal(session_id)

    redis.delete(_key(session_id))
    redis.rpush(_key(session_id), "a list")
    invalidation.mark_revoked([session_id])
    assert json.loads(redis.get(_key(session_id))) == {"revoked": True}


@pytest.mark.parametrize(
    "invalid_entry",
    [
        b"", b"x", b"\x80\x04\x95", b"null", b"[]", b"7", b'"x"', b"{}", b'{"user": "x"}', b"{" * 5000, b"[" * 50_000,
        b"\xff\xfe",
        b'{"user": "x", "username": "root", "role": "ADMIN"}', b'{"user": 7, "username": "root", "role": "ADMIN"}',
        b'{"user": null, "username": null, "role": null}', b'{"user": [], "username": {}, "role": []}',
        b'{"user": "00000000-0000-7000-8000-000000000000", "username": 7, "role": ["ADMIN"]}',
        _former_entry(), _entry_with(acr="aal9"), _entry_with(acr=None), _entry_with(amr=["pwd"]), _entry_with(auth_time=None),
        _entry_with(auth_time="1768469700"), _entry_with(auth_time=1.5), _entry_with(auth_time=10**30),
    ],
    ids=lambda invalid_entry: repr(invalid_entry[:40]),
)  # fmt: skip
def test_an_invalid_entry_causes_a_database_lookup(
    session_id: UUID, redis: Redis, invalid_entry: bytes, alice: AbstractBaseUser
) -> None:
    redis.set(_key(session_id), invalid_entry)
    assert (get_principal(session_id).id, get_principal(session_id).role) == (alice.pk, "USER")

    _revoke_in_the_database(session_id)
    with pytest.raises(SessionRevoked):
        get_principal(session_id)


@pytest.mark.parametrize("command", ["rpush", "sadd", "hset"])
def test_an_entry_of_another_redis_type_causes_a_database_lookup(session_id: UUID, redis: Redis, command: str) -> None:
    redis.delete(_key(session_id))
    getattr(redis, command)(_key(session_id), "a", *(["b"] if command == "hset" else []))

    assert get_principal(session_id).username == "alice"
    _revoke_in_the_database(session_id)
    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_an_entry_that_cannot_be_overwritten_is_deleted(session_id: UUID, redis: Redis) -> None:
    redis.rpush(_key(session_id), "a list")

    invalidation.replace_entries([_principal(session_id, role="ADMIN")])

    assert not redis.exists(_key(session_id))
    assert get_principal(session_id).role == "USER"


def test_a_lookup_marks_a_session_that_is_revoked_in_the_database(session_id: UUID, redis: Redis) -> None:
    _revoke_in_the_database(session_id)

    with pytest.raises(SessionRevoked):
        get_principal(session_id)

    assert json.loads(redis.get(_key(session_id))) == {"revoked": True}


def test_a_deactivated_user_has_no_principal(session_id: UUID, alice: AbstractBaseUser) -> None:
    alice.is_active = False
    alice.save()

    with pytest.raises(SessionRevoked):
        get_principal(session_id)


def test_a_repeated_revocation_writes_to_redis_again(
    session_id: UUID, redis: Redis, django_capture_on_commit_callbacks: Any
) -> None:
    _revoke_in_the_database(session_id)

    with django_capture_on_commit_callbacks(execute=True):
        assert services.revoke(session_id=session_id, reason=RevokedReason.ADMIN) is False

    assert json.loads(redis.get(_key(session_id))) == {"revoked": True}
    assert Session.objects.get().revoked_reason == RevokedReason.LOGOUT


def test_a_revocation_that_is_rolled_back_writes_nothing_to_redis(
    session_id: UUID, redis: Redis, django_capture_on_commit_callbacks: Any
) -> None:
    get_principal(session_id)

    with django_capture_on_commit_callbacks(execute=False):
        services.revoke(session_id=session_id, reason=RevokedReason.LOGOUT)

    assert "revoked" not in json.loads(redis.get(_key(session_id)))
