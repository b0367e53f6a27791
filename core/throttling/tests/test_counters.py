"""The counters, in Redis and in memory alike: windows that slide, and tries that have to wait."""

import pytest

from core.throttling import in_redis
from core.throttling.counters import Hit, Tries, key_of
from core.throttling.in_memory import Memory
from core.throttling.rates import Limit
from core.throttling.tests.conftest import Counters

THREE = Limit("three", 3, 60)
FIVE = Limit("wrong", 5, 300)


def _hit(whom: str = "alice", limit: Limit = THREE) -> Hit:
    return Hit(limit, key_of(limit, whom))


def _tries(whom: str = "alice") -> Tries:
    return Tries(limit=FIVE, key=key_of(FIVE, whom), first_wait=30_000, longest_wait=900_000)


def test_as_many_as_the_limit_and_no_more(counters: Counters) -> None:
    rooms = [counters.hit(_hit())[0] for _ in range(5)]

    assert [room.left for room in rooms] == [2, 1, 0, -1, -1]
    assert all(59_000 < room.milliseconds <= 60_000 for room in rooms)


def test_a_window_slides(counters: Counters) -> None:
    counters.hit(_hit())
    counters.wait(50)
    for _ in range(2):
        counters.hit(_hit())

    counters.wait(9)
    [full] = counters.hit(_hit())
    counters.wait(2)

    assert full.left == -1
    assert 0 < full.milliseconds <= 1000
    assert [counters.hit(_hit())[0].left for _ in range(2)] == [0, -1]  # one has gone, the two of later have not


def test_what_is_refused_is_not_counted(counters: Counters) -> None:
    for _ in range(20):
        counters.hit(_hit())

    counters.wait(61)

    assert counters.hit(_hit())[0].left == 2


def test_of_several_limits_none_is_used_where_one_is_full(counters: Counters) -> None:
    one = Limit("one", 1, 60)
    counters.hit(_hit(limit=one))

    refused = counters.hit(_hit(), _hit(limit=one))

    assert [room.left for room in refused] == [2, -1]
    assert counters.hit(_hit())[0].left == 2


def test_nobody_uses_the_room_of_another(counters: Counters) -> None:
    for _ in range(4):
        counters.hit(_hit("mallory"))

    assert counters.hit(_hit("alice"))[0].left == 2


def test_a_limit_that_was_lowered_holds_for_what_was_counted_before(counters: Counters) -> None:
    for _ in range(3):
        counters.hit(_hit())
        counters.wait(10)

    [room] = counters.hit(Hit(Limit("three", 1, 60), _hit().key))

    assert room.left == -1
    assert 49_000 < room.milliseconds <= 50_000  # all three have to go before one may come


def test_the_first_failures_wait_for_nothing(counters: Counters) -> None:
    assert [counters.fail(_tries()) for _ in range(5)] == [0, 0, 0, 0, 30]


def test_the_wait_doubles_with_each_further_failure_up_to_the_longest(counters: Counters) -> None:
    for _ in range(4):
        counters.fail(_tries())

    waits = []
    for _ in range(8):
        waits.append(counters.fail(_tries()))
        assert counters.begin(_tries())[1].left == -1
        counters.wait(waits[-1] - 1)
        assert counters.begin(_tries())[1].left == -1
        counters.wait(2)

    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_failures_that_lie_too_far_apart_do_not_add_up(counters: Counters) -> None:
    for _ in range(4):
        counters.fail(_tries())
    counters.wait(301)

    assert [counters.fail(_tries()) for _ in range(4)] == [0] * 4

    counters.wait(290)
    assert counters.fail(_tries()) == 30


def test_after_a_long_rest_all_is_forgotten(counters: Counters) -> None:
    for _ in range(5):
        counters.fail(_tries())

    counters.wait(30 + 900 + 1)

    assert [counters.fail(_tries()) for _ in range(5)] == [0, 0, 0, 0, 30]


def test_a_right_one_clears_its_own_failures_alone(counters: Counters) -> None:
    for whom in ("alice", "bob"):
        for _ in range(4):
            counters.fail(_tries(whom))

    assert counters.seconds_to_wait(_tries("alice")) == 0

    assert counters.fail(_tries("alice")) == 0
    assert counters.fail(_tries("bob")) == 30


def test_tries_being_judged_take_the_room_of_failures(counters: Counters) -> None:
    rooms = [counters.begin(_tries())[1] for _ in range(7)]

    assert [room.left for room in rooms] == [4, 3, 2, 1, 0, -1, -1]
    assert rooms[-1].milliseconds == 1000  # nobody has failed: it is soon decided


def test_past_the_bound_one_is_judged_at_a_time(counters: Counters) -> None:
    for _ in range(5):
        counters.fail(_tries())
    counters.wait(31)

    assert [counters.begin(_tries())[1].left for _ in range(3)] == [0, -1, -1]


def test_a_try_whose_process_died_is_given_up(counters: Counters) -> None:
    for _ in range(5):
        counters.begin(_tries())

    counters.wait(31)

    assert counters.begin(_tries())[1].left == 4


def test_a_full_window_begins_no_try_and_a_try_that_waits_uses_no_window(counters: Counters) -> None:
    for _ in range(3):
        counters.hit(_hit())
    counters.begin(_tries(), _hit())
    assert counters.begin(_tries())[1].left == 4

    for _ in range(5):
        counters.fail(_tries("bob"))
    counters.begin(_tries("bob"), _hit("bob"))
    assert counters.hit(_hit("bob"))[0].left == 2


def test_keys_name_nobody() -> None:
    assert "alice" not in key_of(THREE, "alice@example.com")
    assert key_of(THREE, "alice") != key_of(THREE, "bob")
    assert len(key_of(THREE, "a" * 10_000)) < 60


def test_a_redis_that_forgot_the_script_is_sent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_redis._admit, "sha", "0" * 40)

    assert in_redis.admit("one", [_hit()], None)[0].left == 2


def test_a_memory_holds_no_more_keys_than_it_may() -> None:
    small = Memory(most_keys=10)
    for number in range(100):
        small.admit("one", [_hit(str(number))], None)

    assert len(small._moments) == len(small._ends) == 10
    assert small.admit("two", [_hit("99")], None)[0].left == 1


def test_a_hit_counts_as_many_as_it_costs(counters: Counters) -> None:
    two = Hit(THREE, key_of(THREE, "alice"), cost=2)

    assert [counters.hit(two)[0].left for _ in range(2)] == [1, -1]
    assert counters.hit(_hit())[0].left == 0


def test_a_hit_that_costs_two_is_told_when_two_have_gone(counters: Counters) -> None:
    two = Hit(THREE, key_of(THREE, "alice"), cost=2)
    counters.hit(_hit())
    counters.wait(20)
    counters.hit(_hit())

    [room] = counters.hit(two)
    assert room.left == -1
    counters.wait(room.milliseconds / 1000 + 0.1)

    assert counters.hit(two)[0].left == 0


def test_a_try_beside_several_hits_is_answered_after_them(counters: Counters) -> None:
    tries = _tries()
    _token, room = counters.begin(tries, _hit("alice"), Hit(THREE, key_of(THREE, "bob"), cost=3))

    assert (room.left, room.milliseconds) == (4, 300_000)
    assert [counters.hit(_hit(whom))[0].left for whom in ("alice", "bob")] == [1, -1]
