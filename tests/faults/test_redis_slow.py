"""A Redis that responds late, or accepts connections and never responds: every request is served in time and correctly."""

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
class Nodes:
    """`proxied` connects to Redis through the proxy, `direct` without it."""

    proxied: LiveServer
    direct: LiveServer
    proxy: SlowProxy


@pytest.fixture(scope="module")
def shared_nodes(faults_folder: Path) -> Iterator[Nodes]:
    folders = [faults_folder / name for name in ("proxied", "direct")]
    for folder in folders:
        folder.mkdir()
    with (
        faulty_redis.running() as redis,
        slow_proxy.in_front_of(redis.server.socket) as proxy,
        live_server.running(folders[0], REDIS_URL=proxy.url, WEB_WORKERS="1") as proxied,
        live_server.running(folders[1], REDIS_URL=redis.url, WEB_WORKERS="1") as direct,
    ):
        yield Nodes(proxied, direct, proxy)


@pytest.fixture
def nodes(shared_nodes: Nodes) -> Iterator[Nodes]:
    yield shared_nodes
    shared_nodes.proxy.delay, shared_nodes.proxy.drops_responses = 0.0, False
    wait_until(lambda: _is_normal(shared_nodes))


def _is_normal(nodes: Nodes) -> bool:
    states = [readiness(node) for node in (nodes.proxied, nodes.direct)]
    return all((state["redis"], state["breaker"]) == ("ok", "closed") for state in states)


def test_with_a_slow_redis_every_request_is_served_within_a_second(nodes: Nodes) -> None:
    user = someone()
    revoked, live = signed_in(nodes.proxied, user), signed_in(nodes.proxied, user)
    _warm_cache(nodes, revoked, live)

    nodes.proxy.delay = LATE_SECONDS

    assert timed(nodes.proxied, ApiRequest("POST", "/logout", token=revoked.access)).status == 200
    for node in (nodes.proxied, nodes.direct):
        assert timed(node, me(revoked.access)).code == "session_revoked"
        assert timed(node, refresh(revoked.refresh)).code == "session_revoked"
    for _ in range(5):
        assert timed(nodes.proxied, me(live.access)).status == 200
        live = tokens_of(timed(nodes.proxied, refresh(live.refresh)))
        assert timed(nodes.proxied, log_in(user)).status == 200


def test_with_a_slow_redis_concurrent_requests_are_served_in_time(nodes: Nodes) -> None:
    live = signed_in(nodes.proxied, someone())
    nodes.proxy.delay = LATE_SECONDS

    started = time.monotonic()
    responses = nodes.proxied.send_at_once([me(live.access)] * 20)

    assert {response.status for response in responses} == {200}
    assert time.monotonic() - started < 2  # ten requests run at a time, so twenty take two rounds


def test_a_hung_redis_delays_one_request_by_a_quarter_of_a_second(nodes: Nodes) -> None:
    live = signed_in(nodes.proxied, someone())
    _warm_cache(nodes, live)
    nodes.proxy.drops_responses = True

    first = _seconds(nodes.proxied, live)
    others = [_seconds(nodes.proxied, live) for _ in range(10)]

    assert 0.2 < first < 0.6
    assert max(others) < 0.2
    assert readiness(nodes.proxied)["breaker"] == "open"


def test_logout_on_a_node_cut_off_from_redis_is_immediate_there_and_eventual_elsewhere(nodes: Nodes) -> None:
    user = someone()
    revoked, live = signed_in(nodes.proxied, user), signed_in(nodes.proxied, user)
    _warm_cache(nodes, revoked, live)
    nodes.proxy.drops_responses = True
    assert timed(nodes.proxied, ApiRequest("POST", "/logout", token=revoked.access)).status == 200

    assert timed(nodes.proxied, me(revoked.access)).code == "session_revoked"
    wait_until(lambda: nodes.direct.send(me(revoked.access)).code == "session_revoked", seconds=2)
    nodes.proxy.drops_responses = False

    wait_until(lambda: _revocation_holds(nodes, revoked, live) and _is_normal(nodes))


def _revocation_holds(nodes: Nodes, revoked: Tokens, live: Tokens) -> bool:
    for node in (nodes.proxied, nodes.direct):
        assert node.send(me(revoked.access)).code == "session_revoked"
        assert node.send(me(live.access)).status == 200
    return True


def test_traffic_is_served_within_a_second_while_redis_hangs(nodes: Nodes) -> None:
    with traffic.running(8, [nodes.proxied], requests_per_second=50) as load:
        time.sleep(0.5)
        nodes.proxy.drops_responses = True
        time.sleep(3)

    assert load.p95 < 1


def test_traffic_is_served_within_a_second_while_redis_is_slow(nodes: Nodes) -> None:
    with traffic.running(8, [nodes.proxied], requests_per_second=50) as load:
        time.sleep(0.5)
        nodes.proxy.delay = LATE_SECONDS
        time.sleep(3)

    assert load.p95 < 1


def _warm_cache(nodes: Nodes, *sessions: Tokens) -> None:
    for tokens in sessions:
        for node in (nodes.proxied, nodes.direct) * 2:
            assert node.send(me(tokens.access)).status == 200


def _seconds(node: LiveServer, tokens: Tokens) -> float:
    started = time.monotonic()
    assert node.send(me(tokens.access)).status == 200
    return time.monotonic() - started
