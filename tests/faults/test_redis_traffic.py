"""Redis fails and recovers under traffic: no request fails or is slow, and no revoked token is accepted."""

import time

import pytest

from core.testing.waiting import wait_until
from tests.faults import traffic
from tests.faults.conftest import Nodes, readiness
from tests.faults.redis_faults import Fault, hung, killed

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("fault", [killed, hung], ids=lambda fault: fault.__name__)
def test_traffic_is_served_while_redis_is(nodes: Nodes, fault: Fault) -> None:
    with traffic.running(8, nodes.both, requests_per_second=50) as load:
        time.sleep(1)
        fault(nodes.redis)
        time.sleep(3)
        assert {readiness(node)["breaker"] for node in nodes.both} == {"open"}
        nodes.redis.repair()
        wait_until(lambda: {readiness(node)["breaker"] for node in nodes.both} == {"closed"}, seconds=5)
        time.sleep(0.5)

    assert len(load.responses) > 60
    assert load.p95 < 1


def test_traffic_is_served_while_redis_is_flushed_repeatedly(nodes: Nodes) -> None:
    with traffic.running(8, nodes.both, requests_per_second=50) as load:
        for _ in range(20):
            time.sleep(0.1)
            nodes.redis.client.flushall()

    assert load.p95 < 1


def test_traffic_is_served_while_redis_evicts_keys(nodes: Nodes) -> None:
    with traffic.running(8, nodes.both, requests_per_second=50) as load:
        for _ in range(4):
            time.sleep(0.4)
            nodes.redis.evict()

    assert load.p95 < 1
