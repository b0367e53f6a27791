"""The API starts while Redis and the broker are unavailable, serves requests, and reconnects when they are back."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.testing.cast import log_in, me, refresh, signed_in, someone
from core.paths import url_path
from core.testing import faulty_redis, live_server
from core.testing.faulty_redis import FaultyRedis
from core.testing.live_server import ApiRequest
from core.testing.waiting import wait_until
from tests.faults.conftest import probe, readiness, timed

pytestmark = pytest.mark.faults

WRONG_PASSWORD = "not-the-password"


@pytest.fixture
def redis() -> Iterator[FaultyRedis]:
    with faulty_redis.running() as server:
        yield server


@pytest.mark.parametrize("stop_signal", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "hung"])
def test_the_api_starts_while_redis_and_the_broker_are_unavailable(
    faults_folder: Path, redis: FaultyRedis, stop_signal: signal.Signals
) -> None:
    redis.kill() if stop_signal is signal.SIGKILL else redis.hang()
    broker = redis.url.replace("unix://", "redis+socket://").replace("?db=0", "?virtual_host=1")

    started = time.monotonic()
    with live_server.running(faults_folder, REDIS_URL=redis.url, CELERY_BROKER_URL=broker, WEB_WORKERS="1") as api:
        assert time.monotonic() - started < 15
        user = someone()
        live, revoked = signed_in(api, user), signed_in(api, user)
        assert timed(api, ApiRequest("POST", "/logout", token=revoked.access)).status == 200
        assert timed(api, ApiRequest("POST", "/forgot-password", {"email": user.email})).status == 200
        assert [timed(api, request).status for request in (me(live.access), log_in(user))] == [200, 200]
        assert timed(api, me(revoked.access)).code == "session_revoked"
        assert probe(api, "/healthz") == (200, {"status": "ok"})
        assert (readiness(api)["status"], readiness(api)["redis"]) == ("degraded", "unavailable")

        redis.repair()

        wait_until(lambda: readiness(api)["redis"] == "ok", seconds=5)
        assert api.send(me(live.access)).status == 200
        assert api.send(me(revoked.access)).code == "session_revoked"
        assert api.send(refresh(live.refresh)).status == 200


def test_the_api_starts_with_a_wrong_redis_password_and_never_logs_it(faults_folder: Path, redis: FaultyRedis) -> None:
    redis.require_password()
    url = f"unix://:{WRONG_PASSWORD}@{url_path(redis.server.socket)}?db=0"

    with live_server.running(faults_folder, REDIS_URL=url, WEB_WORKERS="1") as api:
        user = someone()
        live, revoked = signed_in(api, user), signed_in(api, user)
        assert timed(api, ApiRequest("POST", "/logout", token=revoked.access)).status == 200
        assert timed(api, me(revoked.access)).code == "session_revoked"
        assert timed(api, me(live.access)).status == 200
        assert readiness(api)["redis"] == "unavailable"

        redis.client.config_set("requirepass", WRONG_PASSWORD)
        redis.password = WRONG_PASSWORD

        wait_until(lambda: readiness(api)["redis"] == "ok", seconds=5)
        assert api.send(me(revoked.access)).code == "session_revoked"
    assert WRONG_PASSWORD not in (faults_folder / "web.log").read_text()
