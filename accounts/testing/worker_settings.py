"""The settings of a worker with delays short enough for tests."""

from datetime import timedelta

from config.settings.base import *  # noqa: F403

EMAIL_CLAIM_TIMEOUT = timedelta(seconds=2)
EMAIL_RETRY_FIRST_DELAY = timedelta(milliseconds=300)
CELERY_BEAT_SCHEDULE = {
    "deliver-waiting-emails": {"task": "accounts.deliver_outbox", "schedule": 0.3, "options": {"expires": 5}}
}
