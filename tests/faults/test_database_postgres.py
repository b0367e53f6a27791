"""PostgreSQL away, back, crowded, or with its connections cut: never a pass, never a hang, and no restart of ours."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, refresh, tokens_of
from core.ids import new_id
from core.testing import faulty_redis, live_server
from core.testing.faulty_redis import FaultyRedis
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until
from tests.faults import broken_postgres
from tests.faults.broken_postgres import BrokenPostgres
from tests.faults.conftest import probe, readiness, timed

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("postgres"), reason="is about PostgreSQL"),
]

BOUND_SECONDS = 3.5


@dataclass(frozen=True)
class Place:
    api: LiveServer
    postgres: BrokenPostgres
    redis: FaultyRedis


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("postgres")
    with faulty_redis.running() as redis, broken_postgres.running() as postgres:
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "EMAIL_VERIFICATION": "none"}
        with live_server.running(folder, WEB_WORKERS="1", WEB_THREADS="4", **variables) as api:
            yield Place(api, postgres, redis)


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    shared_place.redis.client.flushall()
    yield shared_place
    if shared_place.postgres.server.process.poll() is not None:
        shared_place.postgres.start()
    wait_until(lambda: readiness(shared_place.api)["database"] == "ok", seconds=10)


def test_without_the_database_every_request_gets_503(place: Place) -> None:
    name = _sign_up(place.api)
    live, ended = _sign_in(place.api, name), _sign_in(place.api, name)
    assert place.api.send(ApiRequest("POST", "/logout", token=ended.access)).status == 200

    place.postgres.stop()
    place.redis.client.flushall()

    for ask in (me(live.access), me(ended.access), refresh(live.refresh), refresh(ended.refresh), _log_in(name)):
        _assert_unavailable(place.api, ask)
    _assert_health_tells(place.api)
    place.postgres.start()
    wait_until(lambda: place.api.send(me(live.access)).status == 200)
    assert place.api.send(me(ended.access)).code == "session_revoked"
    assert place.api.send(refresh(live.refresh)).status == 200


def test_sessions_cached_as_revoked_are_rejected_without_the_database(place: Place) -> None:
    name = _sign_up(place.api)
    ended = _sign_in(place.api, name)
    assert place.api.send(ApiRequest("POST", "/logout", token=ended.access)).status == 200

    place.postgres.stop()

    assert place.api.send(me(ended.access)).code == "session_revoked"


def test_a_logout_that_cannot_be_committed_fails_and_can_be_retried(place: Place) -> None:
    tokens = _sign_in(place.api, _sign_up(place.api))
    assert place.api.send(me(tokens.access)).status == 200

    place.postgres.stop()
    _assert_unavailable(place.api, ApiRequest("POST", "/logout", token=tokens.access))
    place.postgres.start()

    wait_until(lambda: place.api.send(me(tokens.access)).status == 200)
    assert place.api.send(ApiRequest("POST", "/logout", token=tokens.access)).status == 200
    assert place.api.send(me(tokens.access)).code == "session_revoked"


def test_liveness_stays_ok_while_requests_wait_for_the_database(place: Place) -> None:
    tokens = _sign_in(place.api, _sign_up(place.api))
    place.postgres.stop()

    started = time.monotonic()
    replies = place.api.send_at_once([refresh(tokens.refresh)] * 16)
    seconds = time.monotonic() - started

    assert {reply.status for reply in replies} == {503}
    assert seconds < BOUND_SECONDS
    assert probe(place.api, "/healthz")[0] == 200


def test_terminated_idle_connections_fail_no_request(place: Place) -> None:
    name = _sign_up(place.api)
    tokens = _sign_in(place.api, name)
    for _ in range(3):
        place.api.send_at_once([me(tokens.access)] * 4)
        assert place.postgres.end_connections() > 0

        assert [reply.status for reply in place.api.send_at_once([me(tokens.access)] * 4)] == [200] * 4
        tokens = tokens_of(place.api.send(refresh(tokens.refresh)))


def test_every_request_gets_a_response_when_the_database_stops(place: Place) -> None:
    name = _sign_up(place.api)
    tokens = [_sign_in(place.api, name) for _ in range(8)]
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(place.postgres.stop)
        statuses = [reply.status for _ in range(20) for reply in place.api.send_at_once([me(t.access) for t in tokens])]
        stopping.result()

    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 503


def test_requests_get_503_in_time_when_the_database_has_no_free_connection(place: Place) -> None:
    tokens = _sign_in(place.api, _sign_up(place.api))

    with place.postgres.crowded(by_strangers_alone=True):
        _assert_unavailable(place.api, refresh(tokens.refresh))
        _assert_unavailable(place.api, ApiRequest("POST", "/logout", token=tokens.access))

    wait_until(lambda: place.api.send(refresh(tokens.refresh)).status == 200)


def test_open_connections_keep_working_when_the_database_has_no_free_connection(place: Place) -> None:
    tokens = _sign_in(place.api, _sign_up(place.api))

    with place.postgres.crowded():
        for _ in range(5):
            tokens = tokens_of(place.api.send(refresh(tokens.refresh)))
            assert place.api.send(me(tokens.access)).status == 200


def _sign_up(api: LiveServer) -> str:
    name = f"p{new_id().hex[-20:]}"
    assert api.send(ApiRequest("POST", "/register", {"username": name, "password": PASSWORD})).status == 201
    return name


def _log_in(name: str) -> ApiRequest:
    return ApiRequest("POST", "/login", {"username": name, "password": PASSWORD})


def _sign_in(api: LiveServer, name: str) -> Tokens:
    return tokens_of(api.send(_log_in(name)))


def _assert_unavailable(api: LiveServer, ask: ApiRequest) -> None:
    reply = timed(api, ask, seconds=BOUND_SECONDS)
    assert (reply.status, reply.code) == (503, "service_unavailable"), reply
    assert int(reply.headers["Retry-After"]) >= 1


def _assert_health_tells(api: LiveServer) -> None:
    """The process lives; the sick part is named, and nothing else that is nobody's business."""
    assert probe(api, "/healthz") == (200, {"status": "ok"})
    status, body = probe(api, "/readyz")
    assert status == 503
    assert (body["status"], body["database"], body["migrations"]) == ("unavailable", "unavailable", "unknown")
    assert (body["redis"], body["breaker"], body["emails"]) == ("ok", "closed", None)
