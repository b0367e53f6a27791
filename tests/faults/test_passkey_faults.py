"""Passkeys while Redis or the database is unavailable between the options and the response: nothing is lost or accepted twice."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from accounts.passkeys.models import Passkey
from accounts.passkeys.testing import live_passkey, live_user
from core.testing import faulty_redis, live_server
from core.testing.faulty_redis import FaultyRedis
from core.testing.live_server import LiveServer
from core.testing.waiting import wait_until
from sessions_tracking.models import Session
from tests.faults import broken_postgres
from tests.faults.conftest import readiness, timed
from tests.faults.redis_faults import UNAVAILABLE, Fault

pytestmark = pytest.mark.faults

on_sqlite = pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("sqlite"), reason="tests SQLite")
on_postgresql = pytest.mark.skipif(not os.environ["DATABASE_URL"].startswith("postgres"), reason="tests PostgreSQL")

BOUND_SECONDS = 6


@pytest.fixture(scope="module")
def shared_redis() -> Iterator[FaultyRedis]:
    with faulty_redis.running() as redis:
        yield redis


@pytest.fixture(scope="module")
def api(faults_folder: Path, shared_redis: FaultyRedis) -> Iterator[LiveServer]:
    with live_server.running(faults_folder, REDIS_URL=shared_redis.url, RATE_LIMITS="on", WEB_WORKERS="1") as running:
        yield running


@pytest.mark.parametrize("fault", UNAVAILABLE, ids=lambda fault: fault.__name__)
def test_a_challenge_survives_redis_and_is_accepted_once_while_redis_is(
    api: LiveServer, shared_redis: FaultyRedis, fault: Fault
) -> None:
    live = live_user.sign_up(api)
    before, during = (live.authenticator.get(live_passkey.sign_in_options(api)) for _ in range(2))

    fault(shared_redis)
    responses = [timed(api, live_passkey.sign_in(before)) for _ in range(2)]
    options = live_passkey.sign_in_options(api)
    shared_redis.repair()
    wait_until(lambda: readiness(api)["redis"] == "ok")

    assert [response.code for response in responses] == ["ok", "passkey_invalid"]
    assert api.send(live_passkey.sign_in(before)).code == "passkey_invalid"
    for credential in (during, live.authenticator.get(options)):
        assert api.send(live_passkey.sign_in(credential)).code == "ok"
    assert live.user.sessions.count() == 3


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@on_sqlite
def test_while_the_database_is_locked_a_sign_in_fails_and_its_challenge_stays_valid(
    api: LiveServer, faults_folder: Path
) -> None:
    live = live_user.sign_up(api)
    sign_in = live_passkey.sign_in(live.authenticator.get(live_passkey.sign_in_options(api)))
    sign_up = live_passkey.registration(
        live_passkey.new_fields(), live_passkey.new_credential(api, live_passkey.new_authenticator(api))
    )
    before = _rows()

    with _locked(faults_folder / "live.sqlite3"):
        responses = [timed(api, request, seconds=BOUND_SECONDS) for request in (sign_in, sign_up)]
        assert live_passkey.sign_in_options(api)

    assert [(response.status, response.code) for response in responses] == [(503, "service_unavailable")] * 2
    assert _rows() == before
    assert [api.send(request).status for request in (sign_in, sign_up)] == [200, 201]
    assert api.send(sign_in).code == "passkey_invalid"


@on_postgresql
def test_while_the_database_is_stopped_a_sign_in_fails_and_its_challenge_stays_valid(
    tmp_path: Path, shared_redis: FaultyRedis
) -> None:
    with broken_postgres.running() as postgres:
        variables = {"DATABASE_URL": postgres.url, "REDIS_URL": shared_redis.url, "EMAIL_VERIFICATION": "none"}
        with live_server.running(tmp_path, WEB_WORKERS="1", **variables) as api:
            _username, authenticator = live_passkey.sign_up(api)
            sign_in = live_passkey.sign_in(authenticator.get(live_passkey.sign_in_options(api)))
            postgres.stop()

            response = timed(api, sign_in, seconds=BOUND_SECONDS)
            options = live_passkey.sign_in_options(api)
            postgres.start()
            wait_until(lambda: readiness(api)["database"] == "ok", seconds=10)

            assert (response.status, response.code) == (503, "service_unavailable")
            later = live_passkey.sign_in(authenticator.get(options))
            assert [api.send(request).code for request in (sign_in, sign_in, later)] == ["ok", "passkey_invalid", "ok"]


def _rows() -> list[object]:
    return [list(Session.objects.order_by("id").values()), list(Passkey.objects.order_by("id").values())]
