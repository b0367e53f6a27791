"""As many requests at work as there are places, but for those that have given theirs back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from core import concurrency
from core.concurrency import Places


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What became of the connection, which the tests themselves keep."""
    found: list[str] = []
    monkeypatch.setattr(concurrency, "close_old_connections", lambda: found.append("as at the end of a request"))
    return found


def _take(only: Places) -> str:
    with only:
        return "taken"


def test_whoever_finds_no_place_waits_for_one(pool: ThreadPoolExecutor) -> None:
    only = Places(1)
    with only:
        other = pool.submit(_take, only)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.1)

    assert other.result(timeout=5) == "taken"


@pytest.mark.django_db(transaction=True)
def test_a_place_given_back_is_anybodys_until_its_owner_returns(pool: ThreadPoolExecutor) -> None:
    only = Places(1)
    with only:
        with concurrency.given_back():
            assert pool.submit(_take, only).result(timeout=5) == "taken"
        other = pool.submit(_take, only)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.1)

    assert other.result(timeout=5) == "taken"


@pytest.mark.django_db(transaction=True)
def test_with_the_place_goes_the_connection(ended: list[str]) -> None:
    with Places(1), concurrency.given_back():
        assert ended == ["as at the end of a request"]


@pytest.mark.django_db(transaction=True)
def test_amid_a_transaction_both_are_kept(pool: ThreadPoolExecutor, ended: list[str]) -> None:
    only = Places(1)
    with only, transaction.atomic(), concurrency.given_back():
        other = pool.submit(_take, only)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.1)
        assert connection.in_atomic_block
        assert not ended

    assert other.result(timeout=5) == "taken"


@pytest.mark.django_db(transaction=True)
def test_a_fault_meanwhile_leaves_as_many_places_as_before() -> None:
    only = Places(1)
    with pytest.raises(ZeroDivisionError), only, concurrency.given_back():
        raise ZeroDivisionError

    assert _take(only) == "taken"


def test_whoever_has_no_place_has_none_to_give_back() -> None:
    with concurrency.given_back():
        pass

    assert _take(Places(1)) == "taken"
