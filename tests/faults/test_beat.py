"""beat exits when it cannot publish to a reachable broker, and keeps running while the broker is unavailable."""

import time
from pathlib import Path

import pytest

from accounts.testing.mail_server import MailServer
from core.dev.tests.conftest import ends_within
from core.testing.faulty_redis import FaultyRedis
from core.testing.waiting import wait_until
from tests.faults import worker_fleet
from tests.faults.worker_fleet import Process, WorkerFleet, enqueue_welcome

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

WATCHED = "tests.faults.watched_beat_settings"
HUNG = "tests.faults.hung_beat_settings"
# Longer than BEAT_STALLED_SECONDS.
LONG_SECONDS = 6


@pytest.fixture
def fleet_settings() -> str:
    return WATCHED


def _assert_beat_publishes(mailbox: MailServer) -> None:
    """The web process wakes no worker here: an email arrives only if beat publishes and the worker consumes."""
    [email] = enqueue_welcome()
    wait_until(lambda: mailbox.accepted[email], seconds=40)


def _reject_publications(redis: FaultyRedis) -> None:
    """PING succeeds, and LPUSH is rejected."""
    redis.client.execute_command("ACL", "SETUSER", "default", "-lpush")


def test_beat_exits_when_a_reachable_broker_rejects_every_publication(
    fleet: WorkerFleet, redis: FaultyRedis, mailbox: MailServer
) -> None:
    beat = fleet.beat()
    fleet.worker(beat=False)
    _assert_beat_publishes(mailbox)

    _reject_publications(redis)

    assert beat.wait(timeout=30) == 1
    redis.client.execute_command("ACL", "SETUSER", "default", "+@all")
    fleet.beat()
    _assert_beat_publishes(mailbox)


def test_a_hung_beat_exits(faults_folder: Path, mailbox: MailServer, redis: FaultyRedis, tmp_path: Path) -> None:
    mark = str(tmp_path / "hung")
    variables = {"REDIS_URL": redis.url, "CELERY_BROKER_URL": redis.url, "HUNG_BEAT_MARK": mark}
    with worker_fleet.running(faults_folder, mailbox.url, settings=HUNG, **variables) as fleet:
        assert fleet.beat().wait(timeout=40) == 1
        assert Path(mark).exists()


def test_a_hung_beat_inside_a_worker_is_replaced_and_stops_with_the_worker(
    faults_folder: Path, mailbox: MailServer, redis: FaultyRedis, tmp_path: Path
) -> None:
    mark = tmp_path / "hung"
    variables = {"REDIS_URL": redis.url, "CELERY_BROKER_URL": redis.url, "HUNG_BEAT_MARK": str(mark)}
    with worker_fleet.running(faults_folder, mailbox.url, settings=HUNG, **variables) as fleet:
        worker = fleet.worker()
        wait_until(mark.exists, seconds=40)

        _assert_beat_publishes(mailbox)

        beats = _children(worker)
        worker.terminate()
        assert worker.wait(timeout=20) == 0
        assert all(ends_within(pid, seconds=10) for pid in beats)


def _children(worker: Process) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()]


@pytest.mark.parametrize("embedded", [False, True], ids=["beat", "worker --beat"])
def test_beat_survives_a_killed_and_a_hung_broker(
    fleet: WorkerFleet, redis: FaultyRedis, mailbox: MailServer, embedded: bool
) -> None:
    beat = fleet.worker() if embedded else fleet.beat()
    if not embedded:
        fleet.worker(beat=False)
    _assert_beat_publishes(mailbox)

    redis.kill()
    time.sleep(LONG_SECONDS)
    redis.start()
    _assert_beat_publishes(mailbox)

    redis.hang()
    time.sleep(LONG_SECONDS)
    redis.resume()
    _assert_beat_publishes(mailbox)

    assert beat.poll() is None
