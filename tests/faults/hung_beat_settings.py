"""As `watched_beat_settings`, with a schedule that hangs once, in its fifth look at the clock after a start."""

import time
from pathlib import Path
from typing import Any

from celery.schedules import schedule

from core.environment import env
from tests.faults.watched_beat_settings import *  # noqa: F403

_MARK = Path(env.text("HUNG_BEAT_MARK"))
_HANGS_AT = 5


class HangingSchedule(schedule):
    looks = 0

    def is_due(self, last_run_at: Any) -> Any:
        type(self).looks += 1
        if type(self).looks >= _HANGS_AT and not _MARK.exists():
            _MARK.touch()
            time.sleep(3600)
        return super().is_due(last_run_at)


CELERY_BEAT_SCHEDULE = {
    "deliver-waiting-emails": {
        "task": "accounts.deliver_outbox", "schedule": HangingSchedule(0.3), "options": {"expires": 5},
    }
}  # fmt: skip
