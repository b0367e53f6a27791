"""PostgreSQL demoted, promoted or read-only: 503 and not ready, until requests reach a server that accepts writes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, refresh, tokens_of
from core.ids import new_id
from core.paths import BASE_DIR
from core.testing import faulty_redis, live_server, switch
from core.testing.faulty_redis import FaultyRedis
from core.testing.live_server import ApiRequest, LiveServer
from core.testing.waiting import wait_until
from tests.faults import broken_postgres
from tests.faults.broken_postgres import BrokenPostgres
from tests.faults.conftest import probe

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("postgres"), reason="tests PostgreSQL"),
]


@dataclass(frozen=True)
class Deployment:
    api: LiveServer
    postgres: BrokenPostgres
    redis: FaultyRedis

    def execute(self, statement: str) -> None:
        _execute(self.postgres.url, statement)

    def restart(self, *, standby: bool) -> None:
        """Restart the server; a standby serves reads, and waits for a primary that never starts."""
        self.postgres.stop()
        mark = self.postgres.server.folder / "data" / "standby.signal"
        mark.touch() if standby else mark.unlink(missing_ok=True)
        self.postgres.start()


@pytest.fixture
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("failover")
    with faulty_redis.running() as redis, broken_postgres.running() as postgres:
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "EMAIL_VERIFICATION": "none"}
        with live_server.running(folder, WEB_WORKERS="1", WEB_THREADS="4", **variables) as api:
            yield Deployment(api, postgres, redis)


def _signed_in(api: LiveServer) -> Tokens:
    request = _sign_up()
    assert api.send(request).status == 201
    return tokens_of(api.send(ApiRequest("POST", "/login", request.body)))


def _assert_unavailable(api: LiveServer, request: ApiRequest) -> None:
    response = api.send(request)
    assert (response.status, response.code) == (503, "service_unavailable"), response
    assert int(response.headers["Retry-After"]) >= 1


def test_a_read_only_primary_serves_reads_and_is_not_ready(deployment: Deployment) -> None:
    tokens = _signed_in(deployment.api)
    deployment.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    deployment.execute("SELECT pg_reload_conf()")
    wait_until(lambda: probe(deployment.api, "/readyz")[1]["database"] == "read_only")

    assert probe(deployment.api, "/readyz")[0] == 503
    for request in (refresh(tokens.refresh), ApiRequest("POST", "/logout", token=tokens.access)):
        _assert_unavailable(deployment.api, request)
    deployment.redis.client.flushall()
    assert deployment.api.send(me(tokens.access)).status == 200

    with psycopg.connect(deployment.postgres.url, autocommit=True) as server:
        server.execute("SET default_transaction_read_only = off")
        server.execute("ALTER SYSTEM RESET default_transaction_read_only")
        server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: probe(deployment.api, "/readyz")[0] == 200)
    assert deployment.api.send(refresh(tokens.refresh)).status == 200


def test_a_standby_counts_as_unavailable_until_it_is_promoted(deployment: Deployment) -> None:
    """A standby may lag behind the primary, and miss a revocation."""
    tokens = _signed_in(deployment.api)
    deployment.restart(standby=True)
    deployment.redis.client.flushall()

    for request in (me(tokens.access), refresh(tokens.refresh), ApiRequest("POST", "/logout", token=tokens.access)):
        _assert_unavailable(deployment.api, request)
    assert probe(deployment.api, "/readyz")[0] == 503

    deployment.execute("SELECT pg_promote()")

    assert deployment.api.send(refresh(tokens.refresh)).status == 200
    wait_until(lambda: probe(deployment.api, "/readyz")[0] == 200)


def test_one_rejected_write_drops_every_connection_to_the_former_primary(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("switched")
    with faulty_redis.running() as redis, broken_postgres.running() as former, broken_postgres.running() as new:
        former_url, new_url = urlsplit(former.url), urlsplit(new.url)
        _execute(new.url, f"ALTER USER postgres PASSWORD '{former_url.password}'")
        with switch.in_front_of(int(former_url.port or 0)) as proxy:
            url = urlunsplit(former_url._replace(netloc=f"postgres:{former_url.password}@127.0.0.1:{proxy.port}"))
            variables = {"DATABASE_URL": url, "REDIS_URL": redis.url, "EMAIL_VERIFICATION": "none"}
            migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
            migrate_url = urlunsplit(
                new_url._replace(netloc=f"postgres:{former_url.password}@127.0.0.1:{new_url.port}")
            )
            environment = live_server.environment(**(variables | {"DATABASE_URL": migrate_url}))
            subprocess.run(migrate, cwd=BASE_DIR, env=environment, check=True)
            with live_server.running(folder, WEB_WORKERS="1", WEB_THREADS="4", **variables) as api:
                assert {response.status for response in api.send_at_once([_sign_up() for _ in range(4)])} == {201}

                _execute(former.url, "ALTER SYSTEM SET default_transaction_read_only = on")
                _execute(former.url, "SELECT pg_reload_conf()")
                proxy.target = int(new_url.port or 0)
                statuses = [api.send(_sign_up()).status for _ in range(4)]

                assert statuses == [503, 201, 201, 201]


def _sign_up() -> ApiRequest:
    return ApiRequest("POST", "/register", {"username": f"f{new_id().hex[-20:]}", "password": PASSWORD})


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement)
