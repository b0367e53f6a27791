"""The tasks that beat runs daily and hourly: one call of a service each."""

import logging
from datetime import timedelta

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from accounts.services import cleanup
from accounts.services.dashboard import dashboard_stats

logger = logging.getLogger(__name__)

# Short, since an email waits meanwhile where the worker has one process; the rest is for the runs that follow it.
CLEANUP_SECONDS = 60.0
CLEANUP_PAUSE = timedelta(seconds=10)


@shared_task(name="accounts.cleanup_tokens", soft_time_limit=240, time_limit=300)
def cleanup_tokens() -> dict[str, int]:
    """Remove what is over. A run that is cut off says so in the log and schedules the next one."""
    try:
        return cleanup.remove_over(max_seconds=CLEANUP_SECONDS)
    except (cleanup.CutOffError, SoftTimeLimitExceeded) as error:
        removed = dict(error.removed) if isinstance(error, cleanup.CutOffError) else {}
        logger.warning("the cleanup was cut off (%s) and continues in %s: %s", error, CLEANUP_PAUSE, removed)
        cleanup_tokens.apply_async(countdown=CLEANUP_PAUSE.total_seconds())
        return removed


@shared_task(name="accounts.take_reading")
def take_reading() -> None:
    dashboard_stats.take_reading()
