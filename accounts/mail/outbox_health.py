"""Reports to /readyz and /metrics how many emails wait and for how long.

Two statements, each of which reads at most MAX_COUNTED rows of a partial index.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Min

from accounts.models import EmailState, OutboxEmail
from core.observability.database_reports import DATABASE_REPORTS, DatabaseReport, Reading

MAX_COUNTED = 10_000
# The worker sweeps every five seconds, and a retry is due at its own time: an email due for longer than this has no worker.
OVERDUE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    waiting: int
    oldest_seconds: int
    overdue_seconds: int
    failed: int


def read_queue() -> Queue:
    """Raises DatabaseError."""
    waiting = OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING])
    first_due = waiting.order_by("due_at").values("created_at", "due_at")[:MAX_COUNTED]
    totals = first_due.aggregate(waiting=Count("created_at"), oldest=Min("created_at"), due=Min("due_at"))
    failed = OutboxEmail.objects.filter(state=EmailState.FAILED).order_by("created_at")[:MAX_COUNTED]
    return Queue(
        waiting=totals["waiting"],
        oldest_seconds=_seconds_since(totals["oldest"]),
        overdue_seconds=_seconds_since(totals["due"]),
        failed=failed.count(),
    )


def _seconds_since(timestamp: datetime | None) -> int:
    return max(0, int((datetime.now(UTC) - timestamp).total_seconds())) if timestamp else 0


def _read() -> Reading:
    """The oldest waiting email shows an unreachable mail server, an overdue one a stopped worker; only that is degraded."""
    queue = read_queue()
    return Reading(
        details={
            "waiting": queue.waiting,
            "oldestSeconds": queue.oldest_seconds,
            "overdueSeconds": queue.overdue_seconds,
        },
        metrics={
            "vestibule_outbox_waiting": queue.waiting,
            "vestibule_outbox_oldest_seconds": queue.oldest_seconds,
            "vestibule_outbox_overdue_seconds": queue.overdue_seconds,
            "vestibule_outbox_failed": queue.failed,
        },
        is_degraded=queue.overdue_seconds > OVERDUE_SECONDS,
    )


DATABASE_REPORTS.register(
    DatabaseReport(
        name="emails",
        read=_read,
        metric_descriptions={
            "vestibule_outbox_waiting": "Emails waiting to be sent, counted up to 10000.",
            "vestibule_outbox_oldest_seconds": "Age of the oldest waiting email.",
            "vestibule_outbox_overdue_seconds": "For how long the first due email has not been claimed.",
            "vestibule_outbox_failed": "Emails that could not be sent, counted up to 10000.",
        },
    )
)
