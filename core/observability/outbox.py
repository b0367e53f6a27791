"""How many emails wait and for how long, in two statements that each look at no more than MOST rows of a partial index."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.apps import apps
from django.db.models import Count, Min

MOST = 10_000
# A retry waits for its time, and the worker sweeps every five seconds: what is due for longer than this has no worker.
OVERDUE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    waiting: int
    oldest_seconds: int
    overdue_seconds: int
    failed: int


def read() -> Queue:
    """Raises DatabaseError."""
    emails = apps.get_model("accounts", "OutboxEmail").objects
    soonest = emails.filter(state__in=["queued", "sending"]).order_by("due_at").values("created_at", "due_at")[:MOST]
    found = soonest.aggregate(waiting=Count("created_at"), oldest=Min("created_at"), due=Min("due_at"))
    return Queue(
        waiting=found["waiting"],
        oldest_seconds=_seconds_since(found["oldest"]),
        overdue_seconds=_seconds_since(found["due"]),
        failed=emails.filter(state="failed").order_by("created_at")[:MOST].count(),
    )


def _seconds_since(moment: datetime | None) -> int:
    return max(0, int((datetime.now(UTC) - moment).total_seconds())) if moment else 0
