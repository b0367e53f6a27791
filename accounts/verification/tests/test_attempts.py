"""The attempt counter: its window, its reset, and races that HTTP requests cannot cause."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.db.models import Exists
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AttemptCounter, User
from accounts.verification import attempts
from accounts.verification.attempts import AttemptRule

HOURLY = AttemptRule(purpose="test", max_attempts=3, window=timedelta(hours=1))
UNTIL_RESET = AttemptRule(purpose="test", max_attempts=3)


def charge(rule: AttemptRule = HOURLY, times: int = 1) -> list[bool]:
    return [attempts.charge(rule=rule, key="alice") for _ in range(times)]


def shift_window(elapsed: timedelta) -> None:
    AttemptCounter.objects.update(window_started_at=timezone.now() - elapsed)


@pytest.mark.django_db
@pytest.mark.parametrize("rule", [HOURLY, UNTIL_RESET])
def test_attempts_are_charged_up_to_the_limit(rule: AttemptRule) -> None:
    assert charge(rule, times=5) == [True, True, True, False, False]

    assert AttemptCounter.objects.get().count == 3


@pytest.mark.django_db
def test_a_counter_belongs_to_one_purpose_and_one_key() -> None:
    charge(times=3)

    assert attempts.charge(rule=HOURLY, key="bob")
    assert attempts.charge(rule=AttemptRule(purpose="other", max_attempts=3), key="alice")
    assert not AttemptCounter.objects.filter(key__contains="alice").exists()


@pytest.mark.django_db
def test_the_first_attempt_after_a_window_starts_the_next_one() -> None:
    charge(times=2)
    shift_window(timedelta(minutes=59))

    assert charge(times=2) == [True, False]
    assert 59 <= attempts.retry_after(rule=HOURLY, key="alice") <= 60

    shift_window(timedelta(hours=1))
    assert attempts.retry_after(rule=HOURLY, key="alice") == 0
    assert charge(times=4) == [True, True, True, False]
    assert attempts.retry_after(rule=HOURLY, key="alice") > 3590


@pytest.mark.django_db
def test_without_a_window_only_a_reset_allows_more() -> None:
    charge(UNTIL_RESET, times=3)
    shift_window(timedelta(days=365))
    assert charge(UNTIL_RESET) == [False]

    attempts.reset(rule=UNTIL_RESET, key="alice")

    assert charge(UNTIL_RESET) == [True]


@pytest.mark.django_db
def test_a_window_of_zero_allows_every_attempt() -> None:
    rule = AttemptRule(purpose="test", max_attempts=1, window=timedelta(0))

    assert charge(rule, times=3) == [True, True, True]
    assert attempts.retry_after(rule=rule, key="alice") == 0


@pytest.mark.django_db
def test_exhausted_can_be_part_of_another_statement(bob: User) -> None:
    is_exhausted = Exists(attempts.exhausted(rule=HOURLY, key="alice"))
    charge(times=2)
    assert not User.objects.annotate(is_exhausted=is_exhausted).get().is_exhausted

    charge()

    assert User.objects.annotate(is_exhausted=is_exhausted).get().is_exhausted


@pytest.mark.django_db
def test_an_attempt_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(4):
        with django_assert_num_queries(1):
            charge()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [True, False])
def test_concurrent_attempts_do_not_exceed_the_limit(is_first: bool) -> None:
    racers = 8 if connection.vendor == "postgresql" else 4
    allowed = 3 if is_first else 2
    if not is_first:
        charge()
    barrier = Barrier(racers)

    def race(_: int) -> bool:
        try:
            barrier.wait(timeout=20)
            return charge()[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(racers) as threads:
        charged = list(threads.map(race, range(racers)))

    assert sum(charged) == allowed
    assert AttemptCounter.objects.get().count == 3
