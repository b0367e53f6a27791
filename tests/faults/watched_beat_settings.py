"""`accounts.testing.worker_settings`, with a beat watchdog short enough for a test."""

from accounts.testing.worker_settings import *  # noqa: F403

BEAT_STALLED_SECONDS = 3.0
CELERY_BEAT_MAX_LOOP_INTERVAL = 0.2
