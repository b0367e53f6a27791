"""What the audit holds about somebody, for themselves to read, a page at a time."""

import uuid
from dataclasses import dataclass

from accounts.models import AuditEvent

MAX_LISTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    events: list[AuditEvent]
    count: int


def find(*, user_id: uuid.UUID, page: int, page_size: int) -> Page:
    """The newest first, counted from 1, and how many there are, counted to MAX_LISTED: two queries.

    Events past MAX_LISTED are in the export: to skip or count all of many would cost more with each that is written.
    """
    newest = AuditEvent.objects.filter(user_id=user_id).order_by("-created_at", "-id")[:MAX_LISTED]
    start = (page - 1) * page_size
    rows = list(newest[start : start + page_size]) if start < MAX_LISTED else []
    return Page(events=rows, count=newest.count())
