"""PostgreSQL demoted, promoted, or made read-only: 503 meanwhile, not ready, and the next request reaches who takes writes."""

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
    pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("postgres"), reason="is about PostgreSQL"),
]


@dataclass(frozen=True)
class Place:
    api: LiveServer
    postgres: BrokenPostgres
    redis: FaultyRedis

    def execute(self, statement: str) -> None:
        _execute(self.postgres.url, statement)

    def restart(self, *, standby: bool) -> None:
        """As a standby it answers questions, and waits for a primary that never comes."""
        self.postgres.stop()
        mark = self.postgres.server.folder / "data" / "standby.signal"
        mark.touch() if standby else mark.unlink(missing_ok=True)
        self.postgres.start()


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("failover")
    with faulty_redis.running() as redis, broken_postgres.running() as postgres:
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "EMAIL_VERIFICATION": "none"}
        with live_server.running(folder, WEB_WORKERS="1", WEB_THREADS="4", **variables) as api:
            yield Place(api, postgres, redis)


def _signed_in(api: LiveServer) -> Tokens:
    ask = _sign_up()
    assert api.send(ask).status == 201
    return tokens_of(api.send(ApiRequest("POST", "/login", ask.body)))


def _assert_unavailable(api: LiveServer, ask: ApiRequest) -> None:
    reply = api.send(ask)
    assert (reply.status, reply.code) == (503, "service_unavailable"), reply
    assert int(reply.headers["Retry-After"]) >= 1


def test_a_read_only_primary_serves_reads_and_is_not_ready(place: Place) -> None:
    tokens = _signed_in(place.api)
    place.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    place.execute("SELECT pg_reload_conf()")
    wait_until(lambda: probe(place.api, "/readyz")[1]["database"] == "read_only")

    assert probe(place.api, "/readyz")[0] == 503
    for ask in (refresh(tokens.refresh), ApiRequest("POST", "/logout", token=tokens.access)):
        _assert_unavailable(place.api, ask)
    place.redis.client.flushall()
    assert place.api.send(me(tokens.access)).status == 200

    with psycopg.connect(place.postgres.url, autocommit=True) as server:
        server.execute("SET default_transaction_read_only = off")
        server.execute("ALTER SYSTEM RESET default_transaction_read_only")
        server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: probe(place.api, "/readyz")[0] == 200)
    assert place.api.send(refresh(tokens.refresh)).status == 200


def test_a_standby_counts_as_unavailable_until_it_is_promoted(place: Place) -> None:
    """It may be behind: a revocation of the new primary would not show in it."""
    tokens = _signed_in(place.api)
    place.restart(standby=True)
    place.redis.client.flushall()

    for ask in (me(tokens.access), refresh(tokens.refresh), ApiRequest("POST", "/logout", token=tokens.access)):
        _assert_unavailable(place.api, ask)
    assert probe(place.api, "/readyz")[0] == 503

    place.execute("SELECT pg_promote()")

    assert place.api.send(refresh(tokens.refresh)).status == 200
    wait_until(lambda: probe(place.api, "/readyz")[0] == 200)


def test_one_rejected_write_drops_every_connection_to_the_former_primary(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("switched")
    with faulty_redis.running() as redis, broken_postgres.running() as former, broken_postgres.running() as new:
        one, other = urlsplit(former.url), urlsplit(new.url)
        _execute(new.url, f"ALTER USER postgres PASSWORD '{one.password}'")
        with switch.in_front_of(int(one.port or 0)) as front:
            url = urlunsplit(one._replace(netloc=f"postgres:{one.password}@127.0.0.1:{front.port}"))
            variables = {"DATABASE_URL": url, "REDIS_URL": redis.url, "EMAIL_VERIFICATION": "none"}
            migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
            address = urlunsplit(other._replace(netloc=f"postgres:{one.password}@127.0.0.1:{other.port}"))
            environment = live_server.environment(**(variables | {"DATABASE_URL": address}))
            subprocess.run(migrate, cwd=BASE_DIR, env=environment, check=True)
            with live_server.running(folder, WEB_WORKERS="1", WEB_THREADS="4", **variables) as api:
                assert {reply.status for reply in api.send_at_once([_sign_up() for _ in range(4)])} == {201}

                _execute(former.url, "ALTER SYSTEM SET default_transaction_read_only = on")
                _execute(former.url, "SELECT pg_reload_conf()")
                front.target = int(other.port or 0)
                statuses = [api.send(_sign_up()).status for _ in range(4)]

                assert statuses == [503, 201, 201, 201]


def _sign_up() -> ApiRequest:
    return ApiRequest("POST", "/register", {"username": f"f{new_id().hex[-20:]}", "password": PASSWORD})


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement)
