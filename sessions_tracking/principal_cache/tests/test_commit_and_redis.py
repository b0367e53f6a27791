"""Redis gets a revocation only if the database committed it."""

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
def signed_in(alice: AbstractBaseUser, sign_in: Callable[..., SignedIn]) -> SignedIn:
    signed_in = sign_in(alice)
    assert signed_in.client.get("/me").status_code == 200
    return signed_in


def test_a_logout_that_fails_to_commit_is_not_written_to_redis(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", _fail)
        response = signed_in.client.post("/logout")
    assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")

    assert signed_in.client.get("/me").status_code == 200
    assert get_redis_connection("default").get(cache_key(UUID(signed_in.session_id))) != REVOKED


def test_a_logout_is_written_to_redis_only_after_its_commit(
    signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: list[bytes] = []
    key, commit = cache_key(UUID(signed_in.session_id)), connection._commit  # type: ignore[attr-defined]

    def read_entry_and_commit() -> None:
        entries.append(get_redis_connection("default").get(key))
        commit()

    monkeypatch.setattr(connection, "_commit", read_entry_and_commit)
    assert signed_in.client.post("/logout").status_code == 200

    assert b"username" in entries[0]
    assert get_redis_connection("default").get(key) == REVOKED


def _fail() -> None:
    raise OperationalError("the disk is full")
