"""An export is generated while it is sent: in bounded memory, and without a worker slot while the client reads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, AuditKind, User
from accounts.registries import EXPORT_SECTIONS
from accounts.services import export
from accounts.testing.api_client import SignedIn
from accounts.testing.query_counter import Measure
from core import concurrency
from core.api.streaming import streamed_json
from core.concurrency import WorkerSlots


def _events(user: User, number: int, *, same_time: bool = False) -> None:
    now = datetime.now(UTC) - timedelta(hours=1)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            kind=AuditKind.PROFILE_CHANGED,
            user_id=user.id,
            created_at=now if same_time else now + timedelta(microseconds=index),
        )
        for index in range(number)
    )


@pytest.mark.parametrize("same_time", [False, True])
@pytest.mark.parametrize("number", [0, 4, 5, 6, 23])
def test_an_export_contains_each_row_once_newest_first(
    alice: User, sign_in: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch, number: int, same_time: bool
) -> None:
    monkeypatch.setattr(export, "CHUNK", 5)
    _events(alice, number, same_time=same_time)

    data = sign_in(alice).client.get("/me/export").json()["data"]

    rows = AuditEvent.objects.filter(user_id=alice.id).order_by("-created_at", "-id")
    assert [event["id"] for event in data["activity"]] == [str(row.id) for row in rows]
    assert len(data["sessions"]) == 1


def test_a_chunk_is_read_only_when_it_is_sent(alice: User, sign_in: Callable[..., SignedIn], measure: Measure) -> None:
    _events(alice, 3 * export.CHUNK)
    access = sign_in(alice).access
    response: Any = Client().get("/api/auth/me/export", headers={"Authorization": f"Bearer {access}"})
    pieces = iter(response.streaming_content)

    first_queries = measure(lambda: [next(pieces) for _ in range(3 + len(EXPORT_SECTIONS.all()))]).sql
    later_queries = measure(lambda: list(pieces)).sql

    assert first_queries == ["SELECT sessions_tracking_session"]
    assert later_queries[-4:] == ["SELECT accounts_auditevent"] * 4


def test_the_worker_slot_is_free_while_the_client_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "close_old_connections", lambda: None)
    only = WorkerSlots(1)
    with only:
        response = streamed_json(iter([b"1", b"2"]))
    pieces = iter(response)

    assert next(pieces) == b"1"
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(_take, only).result(timeout=5)
    assert list(pieces) == [b"2"]


def _take(slots: WorkerSlots) -> bool:
    with slots:
        return concurrency.current_slots() is slots
