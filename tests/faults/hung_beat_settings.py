"""`watched_beat_settings`, with a schedule that hangs once, in its fifth `is_due` call after a start."""

import time
from pathlib import Path
from typing import Any

from celery.schedules import schedule

from core.environment import env
from tests.faults.watched_beat_settings import *  # noqa: F403

_MARK = Path(env.text("HUNG_BEAT_MARK"))
_HANG_AT_CALL = 5


class HangingSchedule(schedule):
    calls = 0

    def is_due(self, last_run_at: Any) -> Any:
        type(self).calls += 1
        if type(self).calls >= _HANG_AT_CALL and not _MARK.exists():
            _MARK.touch()
            time.sleep(3600)
        return super().is_due(last_run_at)


CELERY_BEAT_SCHEDULE = {
    "deliver-waiting-emails": {
        "task": "accounts.deliver_outbox", "schedule": HangingSchedule(0.3), "options": {"expires": 5},
    }
}  # fmt: skip
