"""The backlog of a network or a user delays the hash of another by at most one turn."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.passwords import hashing_limiter
from accounts.passwords.fair_queue import FairQueue, Path, Waiter
from accounts.passwords.hashing_limiter import FLOW_LEVELS, Queue
from accounts.testing.api_client import SignedIn
from core.http.request_context import current
from core.testing.waiting import wait_until

paths = st.tuples(st.sampled_from("ab"), st.sampled_from("cdef"), st.sampled_from("ghij"))
# A path stands for the arrival of a waiter, None for the start of a turn.
events = st.lists(st.one_of(paths, st.none()), max_size=80)


def _queue_of(*arrivals: Path) -> FairQueue:
    queue = FairQueue()
    for path in arrivals:
        queue.push(Waiter(path))
    return queue


def _turns(queue: FairQueue) -> list[Path]:
    return [waiter.path for waiter in iter(queue.pop, None)]


@given(events)
def test_other_flows_have_at_most_one_turn_before_a_waiter(arrivals: list[Path | None]) -> None:
    queue = FairQueue()
    first_in_line: dict[Path, Counter[Path]] = {}
    for path in [*arrivals, *[None] * len(arrivals)]:
        if path is not None:
            queue.push(Waiter(path))
            for depth in range(1, len(path) + 1):
                first_in_line.setdefault(path[:depth], Counter[Path]())
        elif waiter := queue.pop():
            for flow, turns in first_in_line.items():
                if flow[:-1] == waiter.path[: len(flow) - 1] and flow != waiter.path[: len(flow)]:
                    turns[waiter.path[: len(flow)]] += 1
                    assert turns[waiter.path[: len(flow)]] == 1, (flow, waiter.path)
            for depth in range(1, len(waiter.path) + 1):
                first_in_line.pop(waiter.path[:depth], None)
                if any(other.path[:depth] == waiter.path[:depth] for other in _waiters(queue)):
                    first_in_line[waiter.path[:depth]] = Counter()


@given(events)
def test_no_waiter_is_lost_and_each_flow_keeps_its_order(arrivals: list[Path | None]) -> None:
    queue, pushed, popped = FairQueue(), [], []
    for path in arrivals:
        if path is None:
            popped += [waiter for waiter in [queue.pop()] if waiter]
        else:
            pushed.append(Waiter(path))
            queue.push(pushed[-1])
    popped += list(iter(queue.pop, None))

    assert (len(queue), queue.bounded) == (0, 0)
    for path in {waiter.path for waiter in pushed}:
        assert [w for w in popped if w.path == path] == [w for w in pushed if w.path == path]


@given(st.lists(paths, min_size=1, max_size=40), paths)
def test_a_newcomer_displaces_only_a_flow_that_is_larger_than_its_own(arrivals: list[Path], newcomer: Path) -> None:
    queue = _queue_of(*arrivals)
    displaced = queue.newest_of_largest_flow(newcomer)

    depth = next((d for d in range(1, 4) if displaced and displaced.path[:d] != newcomer[:d]), None)
    if displaced is not None and depth is not None:
        sizes = Counter(path[:depth] for path in arrivals)
        assert sizes[displaced.path[:depth]] > sizes[newcomer[:depth]]
        queue.remove(displaced)
        assert len(queue) == len(arrivals) - 1
    else:
        assert displaced is None


def test_a_network_with_a_backlog_delays_another_by_one_turn() -> None:
    queue = _queue_of(*[("v6", f"net {number}", "") for number in range(256)], ("v4", "", ""))

    assert _turns(queue).index(("v4", "", "")) == 1


def test_a_full_queue_gives_a_slot_of_the_largest_network_to_a_newcomer() -> None:
    queue = Queue(concurrency=1, max_waiting=4)
    assert queue.acquire(timeout=None)
    with ThreadPoolExecutor(6) as pool:
        waiters = [pool.submit(queue.acquire, timeout=20, path=("public", "large")) for _ in range(4)]
        wait_until(lambda: len(queue._waiting) == 4)

        assert queue.is_full_for(_full("public", "large"))
        assert queue.acquire(timeout=20, path=("public", "large")) is False
        newcomer = pool.submit(queue.acquire, timeout=20, path=("public", "small"))
        wait_until(lambda: sum(waiting.done() for waiting in waiters) == 1)

        for _ in range(4):
            queue.release()
        assert newcomer.result(timeout=5)
        assert sorted(waiting.result(timeout=5) for waiting in waiters) == [False, True, True, True]


@pytest.mark.parametrize(
    ("ip", "networks"),
    [
        ("2001:db8:1:203::9", ("2001:db8:1::/48", "2001:db8:1:200::/56", "2001:db8:1:203::/64")),
        ("198.51.100.7", ("198.51.100.0/24", "198.51.100.7", "198.51.100.7")),
        ("::ffff:198.51.100.7", ("198.51.100.0/24", "198.51.100.7", "198.51.100.7")),
        ("", ("unknown", "unknown", "unknown")),
    ],
)
def test_a_request_waits_in_the_flow_of_its_network(ip: str, networks: Path) -> None:
    with current(RequestFactory().get("/", REMOTE_ADDR=ip)):
        assert hashing_limiter._path() == ("public", *networks, "")


def test_a_signed_in_user_waits_in_a_flow_of_their_own(
    alice: User, sign_in: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    client, enter = sign_in(alice).client, hashing_limiter._queue.acquire
    monkeypatch.setattr(
        hashing_limiter._queue,
        "acquire",
        lambda **how: seen.append(how["path"]) or enter(**how),  # type: ignore[func-returns-value]
    )

    client.post("/change-password", {"currentPassword": "Wrong-Horse-7", "newPassword": "Another-Horse-8"})

    assert seen == [("signed in", "127.0.0.0/24", "127.0.0.1", "127.0.0.1", str(alice.id))]


def _full(*path: str) -> Path:
    return (path + FLOW_LEVELS * ("",))[:FLOW_LEVELS]


def _waiters(queue: FairQueue) -> list[Waiter]:
    return [*queue._waiters, *(waiter for flow in queue._flows.values() for waiter in _waiters(flow))]
