"""Sessions after a restore of an older snapshot, and the steps of docs/operations.md against revived ones."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django_redis import get_redis_connection

from accounts.models import User
from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.models import Session

Snapshot = list[dict[str, Any]]


def _snapshot() -> Snapshot:
    return [dict(row) for row in Session.objects.values()]


def _restore(snapshot: Snapshot) -> None:
    """Replace all sessions by those of the snapshot and empty Redis, as a restart does."""
    Session.objects.all().delete()
    Session.objects.bulk_create(Session(**row) for row in snapshot)
    get_redis_connection("default").flushdb()


def _revoke_restored_sessions() -> None:
    Session.objects.filter(revoked_at=None).update(revoked_at=datetime.now(UTC))


def test_a_restored_snapshot_revives_a_session_signed_out_since(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    signed_in = sign_in(alice)
    snapshot = _snapshot()
    signed_in.client.post("/logout")

    _restore(snapshot)

    assert signed_in.client.get("/me").status_code == 200


def test_a_refresh_token_newer_than_the_snapshot_counts_as_reuse(
    api: ApiClient, alice: User, sign_in: Callable[..., SignedIn], outbox: Callable[[], list[EmailMessage]]
) -> None:
    signed_in = sign_in(alice)
    snapshot = _snapshot()
    newer = api.post("/refresh", {"refreshToken": signed_in.refresh}).json()["data"]["tokens"]["refreshToken"]

    _restore(snapshot)

    assert api.post("/refresh", {"refreshToken": newer}).json()["code"] == "refresh_token_reused"
    assert len(outbox()) == 1


def test_after_revoking_restored_sessions_no_token_works_and_no_email_is_sent(
    api: ApiClient, alice: User, sign_in: Callable[..., SignedIn], outbox: Callable[[], list[EmailMessage]]
) -> None:
    signed_in = sign_in(alice)
    snapshot = _snapshot()
    newer = api.post("/refresh", {"refreshToken": signed_in.refresh}).json()["data"]["tokens"]["refreshToken"]

    _restore(snapshot)
    _revoke_restored_sessions()

    assert signed_in.client.get("/me").json()["code"] == "session_revoked"
    for token in (signed_in.refresh, newer):
        assert api.post("/refresh", {"refreshToken": token}).json()["code"] == "session_revoked"
    assert outbox() == []


def test_a_session_newer_than_the_snapshot_is_revoked(alice: User, sign_in: Callable[..., SignedIn]) -> None:
    snapshot = _snapshot()
    signed_in = sign_in(alice)

    _restore(snapshot)

    assert signed_in.client.get("/me").json()["code"] == "session_revoked"


@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "JWT_REFRESH_SECRET"])
def test_new_signing_keys_reject_restored_sessions_without_an_alarm(
    api: ApiClient, alice: User, sign_in: Callable[..., SignedIn], settings: Any, name: str
) -> None:
    signed_in = sign_in(alice)
    setattr(settings, name, "another-0123456789-abcdefghijklmnopqrstuvwxyz")

    response = (
        signed_in.client.get("/me")
        if name == "JWT_SECRET_KEY"
        else api.post("/refresh", {"refreshToken": signed_in.refresh})
    )

    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
