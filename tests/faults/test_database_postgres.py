"""PostgreSQL stopped, restarted, out of connections, or cutting them: 503 in time, and recovery without a restart."""

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
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("postgres"), reason="tests PostgreSQL"),
]

BOUND_SECONDS = 3.5


@dataclass(frozen=True)
class Deployment:
    api: LiveServer
    postgres: BrokenPostgres
    redis: FaultyRedis


@pytest.fixture(scope="module")
def shared_deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("postgres")
    with faulty_redis.running() as redis, broken_postgres.running() as postgres:
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "EMAIL_VERIFICATION": "none"}
        with live_server.running(folder, WEB_WORKERS="1", WEB_THREADS="4", **variables) as api:
            yield Deployment(api, postgres, redis)


@pytest.fixture
def deployment(shared_deployment: Deployment) -> Iterator[Deployment]:
    shared_deployment.redis.client.flushall()
    yield shared_deployment
    if shared_deployment.postgres.server.process.poll() is not None:
        shared_deployment.postgres.start()
    wait_until(lambda: readiness(shared_deployment.api)["database"] == "ok", seconds=10)


def test_without_the_database_every_request_gets_503(deployment: Deployment) -> None:
    name = _sign_up(deployment.api)
    live, revoked = _sign_in(deployment.api, name), _sign_in(deployment.api, name)
    assert deployment.api.send(ApiRequest("POST", "/logout", token=revoked.access)).status == 200

    deployment.postgres.stop()
    deployment.redis.client.flushall()

    for request in (
        me(live.access),
        me(revoked.access),
        refresh(live.refresh),
        refresh(revoked.refresh),
        _log_in(name),
    ):
        _assert_unavailable(deployment.api, request)
    _assert_reports_database_unavailable(deployment.api)
    deployment.postgres.start()
    wait_until(lambda: deployment.api.send(me(live.access)).status == 200)
    assert deployment.api.send(me(revoked.access)).code == "session_revoked"
    assert deployment.api.send(refresh(live.refresh)).status == 200


def test_sessions_cached_as_revoked_are_rejected_without_the_database(deployment: Deployment) -> None:
    name = _sign_up(deployment.api)
    revoked = _sign_in(deployment.api, name)
    assert deployment.api.send(ApiRequest("POST", "/logout", token=revoked.access)).status == 200

    deployment.postgres.stop()

    assert deployment.api.send(me(revoked.access)).code == "session_revoked"


def test_a_logout_that_cannot_be_committed_fails_and_can_be_retried(deployment: Deployment) -> None:
    tokens = _sign_in(deployment.api, _sign_up(deployment.api))
    assert deployment.api.send(me(tokens.access)).status == 200

    deployment.postgres.stop()
    _assert_unavailable(deployment.api, ApiRequest("POST", "/logout", token=tokens.access))
    deployment.postgres.start()

    wait_until(lambda: deployment.api.send(me(tokens.access)).status == 200)
    assert deployment.api.send(ApiRequest("POST", "/logout", token=tokens.access)).status == 200
    assert deployment.api.send(me(tokens.access)).code == "session_revoked"


def test_liveness_stays_ok_while_requests_wait_for_the_database(deployment: Deployment) -> None:
    tokens = _sign_in(deployment.api, _sign_up(deployment.api))
    deployment.postgres.stop()

    started = time.monotonic()
    responses = deployment.api.send_at_once([refresh(tokens.refresh)] * 16)
    seconds = time.monotonic() - started

    assert {response.status for response in responses} == {503}
    assert seconds < BOUND_SECONDS
    assert probe(deployment.api, "/healthz")[0] == 200


def test_terminated_idle_connections_fail_no_request(deployment: Deployment) -> None:
    name = _sign_up(deployment.api)
    tokens = _sign_in(deployment.api, name)
    for _ in range(3):
        deployment.api.send_at_once([me(tokens.access)] * 4)
        assert deployment.postgres.terminate_connections() > 0

        assert [response.status for response in deployment.api.send_at_once([me(tokens.access)] * 4)] == [200] * 4
        tokens = tokens_of(deployment.api.send(refresh(tokens.refresh)))


def test_every_request_gets_a_response_when_the_database_stops(deployment: Deployment) -> None:
    name = _sign_up(deployment.api)
    tokens = [_sign_in(deployment.api, name) for _ in range(8)]
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(deployment.postgres.stop)
        statuses = [
            response.status
            for _ in range(20)
            for response in deployment.api.send_at_once([me(t.access) for t in tokens])
        ]
        stopping.result()

    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 503


def test_requests_get_503_in_time_when_the_database_has_no_free_connection(deployment: Deployment) -> None:
    tokens = _sign_in(deployment.api, _sign_up(deployment.api))

    with deployment.postgres.exhausted(evict_others=True):
        _assert_unavailable(deployment.api, refresh(tokens.refresh))
        _assert_unavailable(deployment.api, ApiRequest("POST", "/logout", token=tokens.access))

    wait_until(lambda: deployment.api.send(refresh(tokens.refresh)).status == 200)


def test_open_connections_keep_working_when_the_database_has_no_free_connection(deployment: Deployment) -> None:
    tokens = _sign_in(deployment.api, _sign_up(deployment.api))

    with deployment.postgres.exhausted():
        for _ in range(5):
            tokens = tokens_of(deployment.api.send(refresh(tokens.refresh)))
            assert deployment.api.send(me(tokens.access)).status == 200


def _sign_up(api: LiveServer) -> str:
    name = f"p{new_id().hex[-20:]}"
    assert api.send(ApiRequest("POST", "/register", {"username": name, "password": PASSWORD})).status == 201
    return name


def _log_in(name: str) -> ApiRequest:
    return ApiRequest("POST", "/login", {"username": name, "password": PASSWORD})


def _sign_in(api: LiveServer, name: str) -> Tokens:
    return tokens_of(api.send(_log_in(name)))


def _assert_unavailable(api: LiveServer, request: ApiRequest) -> None:
    response = timed(api, request, seconds=BOUND_SECONDS)
    assert (response.status, response.code) == (503, "service_unavailable"), response
    assert int(response.headers["Retry-After"]) >= 1


def _assert_reports_database_unavailable(api: LiveServer) -> None:
    """Liveness stays ok; readiness names the database, and reports only component states."""
    assert probe(api, "/healthz") == (200, {"status": "ok"})
    status, body = probe(api, "/readyz")
    assert status == 503
    assert (body["status"], body["database"], body["migrations"]) == ("unavailable", "unavailable", "unknown")
    assert (body["redis"], body["breaker"], body["emails"]) == ("ok", "closed", None)
