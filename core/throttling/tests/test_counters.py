"""Sliding windows and backoff of attempts, in Redis and in memory."""

import pytest

from core.throttling import in_redis
from core.throttling.counters import BackoffRule, WindowHit, counter_key
from core.throttling.in_memory import Memory
from core.throttling.rates import Limit
from core.throttling.tests.conftest import Counters

THREE = Limit("three", 3, 60)
FIVE = Limit("wrong", 5, 300)


def _hit(subject: str = "alice", limit: Limit = THREE) -> WindowHit:
    return WindowHit(limit, counter_key(limit, subject))


def _rule(subject: str = "alice") -> BackoffRule:
    return BackoffRule(limit=FIVE, key=counter_key(FIVE, subject), first_wait=30_000, max_wait=900_000)


def test_the_limit_admits_exactly_its_amount(counters: Counters) -> None:
    quotas = [counters.hit(_hit())[0] for _ in range(5)]

    assert [quota.remaining for quota in quotas] == [2, 1, 0, -1, -1]
    assert all(59_000 < quota.reset_ms <= 60_000 for quota in quotas)


def test_a_window_slides(counters: Counters) -> None:
    counters.hit(_hit())
    counters.wait(50)
    for _ in range(2):
        counters.hit(_hit())

    counters.wait(9)
    [full] = counters.hit(_hit())
    counters.wait(2)

    assert full.remaining == -1
    assert 0 < full.reset_ms <= 1000
    assert [counters.hit(_hit())[0].remaining for _ in range(2)] == [
        0,
        -1,
    ]  # one hit has expired, the two later hits have not


def test_rejected_hits_are_not_counted(counters: Counters) -> None:
    for _ in range(20):
        counters.hit(_hit())

    counters.wait(61)

    assert counters.hit(_hit())[0].remaining == 2


def test_one_full_limit_consumes_none_of_the_others(counters: Counters) -> None:
    single = Limit("single", 1, 60)
    counters.hit(_hit(limit=single))

    refused = counters.hit(_hit(), _hit(limit=single))

    assert [quota.remaining for quota in refused] == [2, -1]
    assert counters.hit(_hit())[0].remaining == 2


def test_subjects_have_separate_quotas(counters: Counters) -> None:
    for _ in range(4):
        counters.hit(_hit("mallory"))

    assert counters.hit(_hit("alice"))[0].remaining == 2


def test_a_lowered_limit_applies_to_earlier_hits(counters: Counters) -> None:
    for _ in range(3):
        counters.hit(_hit())
        counters.wait(10)

    [quota] = counters.hit(WindowHit(Limit("three", 1, 60), _hit().key))

    assert quota.remaining == -1
    assert 49_000 < quota.reset_ms <= 50_000  # all three must expire before the next is admitted


def test_the_first_failures_cause_no_delay(counters: Counters) -> None:
    assert [counters.fail(_rule()) for _ in range(5)] == [0, 0, 0, 0, 30]


def test_the_delay_doubles_with_each_failure_up_to_the_maximum(counters: Counters) -> None:
    for _ in range(4):
        counters.fail(_rule())

    waits = []
    for _ in range(8):
        waits.append(counters.fail(_rule()))
        assert counters.begin(_rule())[1].remaining == -1
        counters.wait(waits[-1] - 1)
        assert counters.begin(_rule())[1].remaining == -1
        counters.wait(2)

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_failures_far_apart_do_not_add_up(counters: Counters) -> None:
    for _ in range(4):
        counters.fail(_rule())
    counters.wait(301)

    assert [counters.fail(_rule()) for _ in range(4)] == [0] * 4

    counters.wait(290)
    assert counters.fail(_rule()) == 30


def test_failures_expire_after_the_maximum_delay(counters: Counters) -> None:
    for _ in range(5):
        counters.fail(_rule())

    counters.wait(30 + 900 + 1)

    assert [counters.fail(_rule()) for _ in range(5)] == [0, 0, 0, 0, 30]


def test_a_success_resets_only_the_failures_of_its_subject(counters: Counters) -> None:
    for subject in ("alice", "bob"):
        for _ in range(4):
            counters.fail(_rule(subject))

    assert counters.seconds_to_wait(_rule("alice")) == 0

    assert counters.fail(_rule("alice")) == 0
    assert counters.fail(_rule("bob")) == 30


def test_attempts_in_flight_count_like_failures(counters: Counters) -> None:
    quotas = [counters.begin(_rule())[1] for _ in range(7)]

    assert [quota.remaining for quota in quotas] == [4, 3, 2, 1, 0, -1, -1]
    assert quotas[-1].reset_ms == 1000  # no failure yet, so the attempts in flight end soon


def test_past_the_limit_one_attempt_is_in_flight_at_a_time(counters: Counters) -> None:
    for _ in range(5):
        counters.fail(_rule())
    counters.wait(31)

    assert [counters.begin(_rule())[1].remaining for _ in range(3)] == [0, -1, -1]


def test_an_attempt_in_flight_expires_when_its_process_dies(counters: Counters) -> None:
    for _ in range(5):
        counters.begin(_rule())

    counters.wait(31)

    assert counters.begin(_rule())[1].remaining == 4


def test_a_full_window_starts_no_attempt_and_a_delayed_attempt_uses_no_window(counters: Counters) -> None:
    for _ in range(3):
        counters.hit(_hit())
    counters.begin(_rule(), _hit())
    assert counters.begin(_rule())[1].remaining == 4

    for _ in range(5):
        counters.fail(_rule("bob"))
    counters.begin(_rule("bob"), _hit("bob"))
    assert counters.hit(_hit("bob"))[0].remaining == 2


def test_keys_hold_no_personal_data() -> None:
    assert "alice" not in counter_key(THREE, "alice@example.com")
    assert counter_key(THREE, "alice") != counter_key(THREE, "bob")
    assert len(counter_key(THREE, "a" * 10_000)) < 60


def test_a_redis_without_the_script_is_sent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_redis._admit, "sha", "0" * 40)

    assert in_redis.admit("one", [_hit()], None)[0].remaining == 2


def test_the_memory_holds_at_most_max_keys() -> None:
    small = Memory(max_keys=10)
    for number in range(100):
        small.admit("one", [_hit(str(number))], None)

    assert len(small._counters) == len(small._expiries) == 10
    assert small.admit("two", [_hit("99")], None)[0].remaining == 1


def test_a_hit_counts_as_many_as_it_costs(counters: Counters) -> None:
    two = WindowHit(THREE, counter_key(THREE, "alice"), cost=2)

    assert [counters.hit(two)[0].remaining for _ in range(2)] == [1, -1]
    assert counters.hit(_hit())[0].remaining == 0


def test_a_hit_of_cost_two_may_be_retried_when_two_have_expired(counters: Counters) -> None:
    two = WindowHit(THREE, counter_key(THREE, "alice"), cost=2)
    counters.hit(_hit())
    counters.wait(20)
    counters.hit(_hit())

    [quota] = counters.hit(two)
    assert quota.remaining == -1
    counters.wait(quota.reset_ms / 1000 + 0.1)

    assert counters.hit(two)[0].remaining == 0


def test_an_attempt_is_reported_after_the_hits_beside_it(counters: Counters) -> None:
    rule = _rule()
    _token, quota = counters.begin(rule, _hit("alice"), WindowHit(THREE, counter_key(THREE, "bob"), cost=3))

    assert (quota.remaining, quota.reset_ms) == (4, 300_000)
    assert [counters.hit(_hit(subject))[0].remaining for subject in ("alice", "bob")] == [1, -1]
