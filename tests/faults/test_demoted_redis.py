"""Redis demoted to a replica and promoted again: worker, beat and web process recover without a restart."""

import time
from pathlib import Path

import pytest

from accounts.testing.cast import me, signed_in, someone
from accounts.testing.mail_server import MailServer
from core.testing import live_server
from core.testing.faulty_redis import FaultyRedis
from core.testing.waiting import wait_until
from tests.faults.conftest import readiness
from tests.faults.worker_fleet import WorkerFleet, enqueue_welcome, new_email, sign_up_in_time

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

DEMOTED_SECONDS = 4
# The worker retries its broker after 2, 4, 6… seconds; the rest is a margin for a busy machine.
RECOVERY_SECONDS = 25


def _assert_email_is_sent(mailbox: MailServer, seconds: float = RECOVERY_SECONDS) -> None:
    """The web process wakes no worker here, so beat must publish and the worker must consume."""
    [email] = enqueue_welcome()
    wait_until(lambda: mailbox.accepted[email], seconds=seconds)


@pytest.mark.parametrize("embedded", [True, False], ids=["make worker", "make run"])
def test_worker_and_beat_recover_after_a_demotion(
    fleet: WorkerFleet, redis: FaultyRedis, mailbox: MailServer, embedded: bool
) -> None:
    processes = [fleet.worker(beat=embedded), *([] if embedded else [fleet.beat()])]
    _assert_email_is_sent(mailbox, seconds=40)

    for _ in range(2):
        redis.make_read_only()
        time.sleep(DEMOTED_SECONDS)
        redis.repair()
        _assert_email_is_sent(mailbox)

    assert [process.poll() for process in processes] == [None] * len(processes)


def test_a_worker_that_starts_with_a_replica_waits_for_a_primary(
    fleet: WorkerFleet, redis: FaultyRedis, mailbox: MailServer
) -> None:
    redis.make_read_only()
    worker = fleet.worker()
    time.sleep(DEMOTED_SECONDS)

    redis.repair()

    _assert_email_is_sent(mailbox, seconds=40)
    assert worker.poll() is None


def test_the_web_process_serves_during_a_demotion_and_recovers_after_it(
    faults_folder: Path, fleet: WorkerFleet, redis: FaultyRedis, mailbox: MailServer
) -> None:
    fleet.worker()
    with live_server.running(faults_folder, REDIS_URL=redis.url, CELERY_BROKER_URL=redis.url, WEB_WORKERS="1") as api:
        tokens = signed_in(api, someone())
        redis.make_read_only()
        sign_up_in_time(api, [new_email()])
        assert api.send(me(tokens.access)).status == 200
        assert readiness(api)["redis"] == "unavailable"

        redis.repair()

        wait_until(lambda: readiness(api)["redis"] == "ok")
        email = new_email()
        sign_up_in_time(api, [email])
        wait_until(lambda: mailbox.accepted[email], seconds=RECOVERY_SECONDS)
        wait_until(lambda: readiness(api)["status"] == "ok", seconds=RECOVERY_SECONDS)
