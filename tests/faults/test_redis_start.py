"""The API starts while Redis and the broker are away, serves everybody, and finds them when they come."""

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

WRONG = "somebody-elses-word"


@pytest.fixture
def redis() -> Iterator[FaultyRedis]:
    with faulty_redis.running() as own:
        yield own


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["gone", "hung"])
def test_the_api_starts_while_redis_and_the_broker_are_unavailable(
    faults_folder: Path, redis: FaultyRedis, how: signal.Signals
) -> None:
    redis.kill() if how is signal.SIGKILL else redis.hang()
    broker = redis.url.replace("unix://", "redis+socket://").replace("?db=0", "?virtual_host=1")

    started = time.monotonic()
    with live_server.running(faults_folder, REDIS_URL=redis.url, CELERY_BROKER_URL=broker, WEB_WORKERS="1") as api:
        assert time.monotonic() - started < 15
        user = someone()
        live, dead = signed_in(api, user), signed_in(api, user)
        assert timed(api, ApiRequest("POST", "/logout", token=dead.access)).status == 200
        assert timed(api, ApiRequest("POST", "/forgot-password", {"email": user.email})).status == 200
        assert [timed(api, ask).status for ask in (me(live.access), log_in(user))] == [200, 200]
        assert timed(api, me(dead.access)).code == "session_revoked"
        assert probe(api, "/healthz") == (200, {"status": "ok"})
        assert (readiness(api)["status"], readiness(api)["redis"]) == ("degraded", "unavailable")

        redis.repair()

        wait_until(lambda: readiness(api)["redis"] == "ok", seconds=5)
        assert api.send(me(live.access)).status == 200
        assert api.send(me(dead.access)).code == "session_revoked"
        assert api.send(refresh(live.refresh)).status == 200


def test_the_api_starts_with_a_wrong_redis_password_and_never_logs_it(faults_folder: Path, redis: FaultyRedis) -> None:
    redis.require_password()
    address = f"unix://:{WRONG}@{url_path(redis.server.socket)}?db=0"

    with live_server.running(faults_folder, REDIS_URL=address, WEB_WORKERS="1") as api:
        user = someone()
        live, dead = signed_in(api, user), signed_in(api, user)
        assert timed(api, ApiRequest("POST", "/logout", token=dead.access)).status == 200
        assert timed(api, me(dead.access)).code == "session_revoked"
        assert timed(api, me(live.access)).status == 200
        assert readiness(api)["redis"] == "unavailable"

        redis.client.config_set("requirepass", WRONG)
        redis.password = WRONG

        wait_until(lambda: readiness(api)["redis"] == "ok", seconds=5)
        assert api.send(me(dead.access)).code == "session_revoked"
    assert WRONG not in (faults_folder / "web.log").read_text()
