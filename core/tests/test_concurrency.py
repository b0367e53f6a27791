"""The worker slots limit the concurrent requests; a released slot does not count."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from core import concurrency
from core.concurrency import WorkerSlots


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record calls that close the connection, which stays open for the test."""
    closed: list[str] = []
    monkeypatch.setattr(concurrency, "close_old_connections", lambda: closed.append("closed"))
    return closed


def _acquire(slots: WorkerSlots) -> str:
    with slots:
        return "acquired"


def test_a_request_without_a_free_slot_waits(pool: ThreadPoolExecutor) -> None:
    slots = WorkerSlots(1)
    with slots:
        other = pool.submit(_acquire, slots)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.1)

    assert other.result(timeout=5) == "acquired"


@pytest.mark.django_db(transaction=True)
def test_a_released_slot_is_free_until_its_owner_returns(pool: ThreadPoolExecutor) -> None:
    slots = WorkerSlots(1)
    with slots:
        with concurrency.released_slot():
            assert pool.submit(_acquire, slots).result(timeout=5) == "acquired"
        other = pool.submit(_acquire, slots)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.1)

    assert other.result(timeout=5) == "acquired"


@pytest.mark.django_db(transaction=True)
def test_releasing_a_slot_closes_the_connection(closed: list[str]) -> None:
    with WorkerSlots(1), concurrency.released_slot():
        assert closed == ["closed"]


@pytest.mark.django_db(transaction=True)
def test_a_thread_in_a_transaction_keeps_both(pool: ThreadPoolExecutor, closed: list[str]) -> None:
    slots = WorkerSlots(1)
    with slots, transaction.atomic(), concurrency.released_slot():
        other = pool.submit(_acquire, slots)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.1)
        assert connection.in_atomic_block
        assert not closed

    assert other.result(timeout=5) == "acquired"


@pytest.mark.django_db(transaction=True)
def test_an_error_while_the_slot_is_released_loses_no_slot() -> None:
    slots = WorkerSlots(1)
    with pytest.raises(ZeroDivisionError), slots, concurrency.released_slot():
        raise ZeroDivisionError

    assert _acquire(slots) == "acquired"


def test_a_thread_without_a_slot_has_none_to_release() -> None:
    with concurrency.released_slot():
        pass

    assert _acquire(WorkerSlots(1)) == "acquired"
