"""Every fault of Redis: revoked tokens are rejected, active ones accepted, and each response comes within a second."""

import time

import pytest

from accounts.testing.cast import Tokens, log_in, me, refresh, signed_in, someone, tokens_of
from core.testing.live_server import ApiRequest, LiveServer
from tests.faults.conftest import Nodes, probe, readiness, timed
from tests.faults.redis_faults import FAULTS, UNAVAILABLE, Fault, flushed, full, loading

pytestmark = pytest.mark.faults

RECOVERY_SECONDS = 5


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_tokens_are_checked_correctly_while_redis_is(nodes: Nodes, fault: Fault) -> None:
    user = someone()
    revoked_before, revoked_during, live = (signed_in(nodes.here, user) for _ in range(3))
    _warm_cache(nodes, revoked_before, revoked_during, live)
    _log_out(nodes.here, revoked_before)

    fault(nodes.redis)

    _log_out(nodes.here, revoked_during)
    for node in nodes.both:
        for revoked in (revoked_during, revoked_before):
            _assert_revoked(node, revoked)
        live = _assert_alive(node, live)
        assert timed(node, log_in(user)).status == 200
        _assert_health_reports(node, fault)

    nodes.redis.repair()
    _assert_recovers(nodes, revoked=[revoked_before, revoked_during], live=live)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_node_without_traffic_during_the_fault_rejects_revoked_tokens_after_redis_was(
    nodes: Nodes, fault: Fault
) -> None:
    user = someone()
    first, second, live = (signed_in(nodes.here, user) for _ in range(3))
    _warm_cache(nodes, first, second, live)

    fault(nodes.redis)
    _log_out(nodes.here, first)
    _log_out(nodes.here, second)  # by now the breaker may be open, which skips Redis
    nodes.redis.repair()

    for revoked in (second, first):
        assert nodes.there.send(me(revoked.access)).code == "session_revoked"
    assert nodes.there.send(me(live.access)).status == 200


def test_sessions_revoked_before_a_redis_flush_stay_revoked(nodes: Nodes) -> None:
    user, other, neighbour = someone(), someone(), signed_in(nodes.there, someone())
    by_logout, *by_logout_all = (signed_in(nodes.here, owner) for owner in (user, other, other))
    stolen = signed_in(nodes.here, user)
    current = tokens_of(nodes.here.send(refresh(stolen.refresh)))
    latest = tokens_of(nodes.here.send(refresh(current.refresh)))
    _warm_cache(nodes, by_logout, *by_logout_all, latest, neighbour)
    _log_out(nodes.here, by_logout)
    assert nodes.here.send(ApiRequest("POST", "/logout-all", token=by_logout_all[0].access)).status == 200

    flushed(nodes.redis)

    for node in nodes.both:
        for revoked in (by_logout, *by_logout_all):
            _assert_revoked(node, revoked)
    assert nodes.there.send(refresh(stolen.refresh)).code == "refresh_token_reused"
    for node in nodes.both:
        _assert_revoked(node, latest)
        neighbour = _assert_alive(node, neighbour)


def test_the_log_records_when_the_redis_breaker_opens_and_closes(nodes: Nodes) -> None:
    log = nodes.folder / "here" / "web.log"
    before = len(log.read_text())
    tokens = signed_in(nodes.here, someone())

    nodes.redis.kill()
    assert nodes.here.send(me(tokens.access)).status == 200
    nodes.redis.start()
    _assert_recovers(nodes, revoked=[], live=tokens)

    output = log.read_text()[before:]
    assert output.count("redis breaker: open") == 1
    assert output.count("redis breaker: closed") == 1


def test_a_restored_redis_snapshot_does_not_revive_a_revoked_session(nodes: Nodes) -> None:
    user = someone()
    revoked, live = signed_in(nodes.here, user), signed_in(nodes.here, user)
    _warm_cache(nodes, revoked, live)
    nodes.redis.save()
    _log_out(nodes.here, revoked)

    nodes.redis.kill()
    nodes.redis.start()

    assert len(nodes.redis.client.keys("vestibule:session:*")) == 2
    for node in nodes.both:
        _assert_revoked(node, revoked)
        live = _assert_alive(node, live)


def _warm_cache(nodes: Nodes, *sessions: Tokens) -> None:
    """Use each session on both nodes, so that Redis has an entry for it."""
    for tokens in sessions:
        for node in (*nodes.both, *nodes.both):
            assert node.send(me(tokens.access)).status == 200


def _log_out(node: LiveServer, tokens: Tokens) -> None:
    assert timed(node, ApiRequest("POST", "/logout", token=tokens.access)).status == 200


def _assert_revoked(node: LiveServer, tokens: Tokens) -> None:
    assert timed(node, me(tokens.access)).code == "session_revoked"
    assert timed(node, ApiRequest("GET", "/me", token=tokens.access)).code == "session_revoked"
    assert timed(node, refresh(tokens.refresh)).code == "session_revoked"


def _assert_alive(node: LiveServer, tokens: Tokens) -> Tokens:
    assert timed(node, me(tokens.access)).status == 200
    return tokens_of(timed(node, refresh(tokens.refresh)))


def _assert_health_reports(node: LiveServer, fault: Fault) -> None:
    """Liveness stays ok; readiness names Redis, and reports only component states."""
    assert probe(node, "/healthz") == (200, {"status": "ok"})
    status, body = probe(node, "/readyz")
    assert (status, body["database"]) == (200, "ok")
    assert set(body) == {"status", "database", "migrations", "redis", "breaker", "broker", "worker", "emails"}
    if fault is loading:
        return  # Redis may have finished loading
    assert body["status"] == "degraded"  # in any case: no worker runs here
    expected = (
        ("unavailable", "open")
        if fault in UNAVAILABLE
        else ("out_of_memory", "closed")
        if fault is full
        else ("ok", "closed")
    )
    assert (body["redis"], body["breaker"]) == expected


def _assert_recovers(nodes: Nodes, *, revoked: list[Tokens], live: Tokens) -> None:
    """After the repair, revoked sessions stay revoked, active ones stay active, and the breakers close in time."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        for node in nodes.both:
            assert all(node.send(me(tokens.access)).code == "session_revoked" for tokens in revoked)
            assert node.send(me(live.access)).status == 200
        states = [readiness(node) for node in nodes.both]
        if all(state["redis"] == "ok" and state["breaker"] == "closed" for state in states):
            return
        assert time.monotonic() < deadline, states
