"""Of a revocation the database and Redis may each fail alone: what was committed counts, and nothing else does."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import OperationalError, connection
from django_redis import get_redis_connection

from accounts.testing.api_client import SignedIn
from sessions_tracking.principal_cache.entries import REVOKED, cache_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def here(alice: AbstractBaseUser, sign_in: Callable[..., SignedIn]) -> SignedIn:
    signed_in = sign_in(alice)
    assert signed_in.client.get("/me").status_code == 200
    return signed_in


def test_a_logout_that_fails_to_commit_is_not_written_to_redis(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", _fail)
        reply = here.client.post("/logout")
    assert (reply.status_code, reply.json()["code"]) == (503, "service_unavailable")

    assert here.client.get("/me").status_code == 200
    assert get_redis_connection("default").get(cache_key(UUID(here.session_id))) != REVOKED


def test_a_logout_is_written_to_redis_only_after_its_commit(here: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    key, commit = cache_key(UUID(here.session_id)), connection._commit  # type: ignore[attr-defined]

    def look_and_commit() -> None:
        seen.append(get_redis_connection("default").get(key))
        commit()

    monkeypatch.setattr(connection, "_commit", look_and_commit)
    assert here.client.post("/logout").status_code == 200

    assert b"username" in seen[0]
    assert get_redis_connection("default").get(key) == REVOKED


def _fail() -> None:
    raise OperationalError("the disk is full")
