"""A Redis that answers late, or takes a connection and never answers: everybody is served in time, and nobody wrongly."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts.testing.cast import Tokens, log_in, me, refresh, signed_in, someone, tokens_of
from core.testing import faulty_redis, live_server, slow_proxy
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.slow_proxy import SlowProxy
from core.testing.waiting import wait_until
from tests.faults import traffic
from tests.faults.conftest import readiness, timed

pytestmark = pytest.mark.faults

LATE_SECONDS = 0.2


@dataclass(frozen=True)
class Place:
    """`far` reaches Redis through the door, `near` without it."""

    far: LiveServer
    near: LiveServer
    door: SlowProxy


@pytest.fixture(scope="module")
def shared_place(faults_folder: Path) -> Iterator[Place]:
    folders = [faults_folder / name for name in ("far", "near")]
    for folder in folders:
        folder.mkdir()
    with (
        faulty_redis.running() as redis,
        slow_proxy.in_front_of(redis.server.socket) as door,
        live_server.running(folders[0], REDIS_URL=door.url, WEB_WORKERS="1") as far,
        live_server.running(folders[1], REDIS_URL=redis.url, WEB_WORKERS="1") as near,
    ):
        yield Place(far, near, door)


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    yield shared_place
    shared_place.door.delay, shared_place.door.drops_responses = 0.0, False
    wait_until(lambda: _is_normal(shared_place))


def _is_normal(place: Place) -> bool:
    states = [readiness(node) for node in (place.far, place.near)]
    return all((state["redis"], state["breaker"]) == ("ok", "closed") for state in states)


def test_with_a_slow_redis_every_request_is_served_within_a_second(place: Place) -> None:
    user = someone()
    dead, live = signed_in(place.far, user), signed_in(place.far, user)
    _make_known(place, dead, live)

    place.door.delay = LATE_SECONDS

    assert timed(place.far, ApiRequest("POST", "/logout", token=dead.access)).status == 200
    for node in (place.far, place.near):
        assert timed(node, me(dead.access)).code == "session_revoked"
        assert timed(node, refresh(dead.refresh)).code == "session_revoked"
    for _ in range(5):
        assert timed(place.far, me(live.access)).status == 200
        live = tokens_of(timed(place.far, refresh(live.refresh)))
        assert timed(place.far, log_in(user)).status == 200


def test_with_a_slow_redis_concurrent_requests_are_served_in_time(place: Place) -> None:
    live = signed_in(place.far, someone())
    place.door.delay = LATE_SECONDS

    started = time.monotonic()
    replies = place.far.send_at_once([me(live.access)] * 20)

    assert {reply.status for reply in replies} == {200}
    assert time.monotonic() - started < 2  # twice ten: that many are served at once


def test_a_hung_redis_delays_one_request_by_a_quarter_of_a_second(place: Place) -> None:
    live = signed_in(place.far, someone())
    _make_known(place, live)
    place.door.drops_responses = True

    first = _seconds(place.far, live)
    others = [_seconds(place.far, live) for _ in range(10)]

    assert 0.2 < first < 0.6
    assert max(others) < 0.2
    assert readiness(place.far)["breaker"] == "open"


def test_logout_on_a_node_cut_off_from_redis_is_immediate_there_and_eventual_elsewhere(place: Place) -> None:
    user = someone()
    dead, live = signed_in(place.far, user), signed_in(place.far, user)
    _make_known(place, dead, live)
    place.door.drops_responses = True
    assert timed(place.far, ApiRequest("POST", "/logout", token=dead.access)).status == 200

    assert timed(place.far, me(dead.access)).code == "session_revoked"
    wait_until(lambda: place.near.send(me(dead.access)).code == "session_revoked", seconds=2)
    place.door.drops_responses = False

    wait_until(lambda: _all_is_well(place, dead, live) and _is_normal(place))


def _all_is_well(place: Place, dead: Tokens, live: Tokens) -> bool:
    for node in (place.far, place.near):
        assert node.send(me(dead.access)).code == "session_revoked"
        assert node.send(me(live.access)).status == 200
    return True


def test_traffic_is_served_within_a_second_while_redis_hangs(place: Place) -> None:
    with traffic.of(8, [place.far], a_second=50) as work:
        time.sleep(0.5)
        place.door.drops_responses = True
        time.sleep(3)

    assert work.slow_tail < 1


def test_traffic_is_served_within_a_second_while_redis_is_slow(place: Place) -> None:
    with traffic.of(8, [place.far], a_second=50) as work:
        time.sleep(0.5)
        place.door.delay = LATE_SECONDS
        time.sleep(3)

    assert work.slow_tail < 1


def _make_known(place: Place, *people: Tokens) -> None:
    for tokens in people:
        for node in (place.far, place.near) * 2:
            assert node.send(me(tokens.access)).status == 200


def _seconds(node: LiveServer, tokens: Tokens) -> float:
    started = time.monotonic()
    assert node.send(me(tokens.access)).status == 200
    return time.monotonic() - started
