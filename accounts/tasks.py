"""The tasks that Celery beat runs daily and hourly; each calls one service."""

import logging
from datetime import timedelta

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

from accounts.services import cleanup
from accounts.services.dashboard import dashboard_stats

logger = logging.getLogger(__name__)

# A worker with one process sends no email during a run, so runs are short; later runs do the rest.
CLEANUP_SECONDS = 60.0
CLEANUP_PAUSE = timedelta(seconds=10)


@shared_task(name="accounts.cleanup_tokens", soft_time_limit=240, time_limit=300)
def cleanup_tokens() -> dict[str, int]:
    """Delete expired rows. A run that times out logs a warning and schedules the next one."""
    try:
        return cleanup.delete_expired(max_seconds=CLEANUP_SECONDS)
    except (cleanup.CleanupTimeoutError, SoftTimeLimitExceeded) as error:
        deleted = dict(error.deleted) if isinstance(error, cleanup.CleanupTimeoutError) else {}
        logger.warning("the cleanup stopped early (%s) and continues in %s: %s", error, CLEANUP_PAUSE, deleted)
        cleanup_tokens.apply_async(countdown=CLEANUP_PAUSE.total_seconds())
        return deleted


@shared_task(name="accounts.snapshot_metrics")
def snapshot_metrics() -> None:
    dashboard_stats.take_snapshot()
