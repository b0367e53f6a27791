"""What the audit holds about somebody, for themselves to read, a page at a time."""

import uuid
from dataclasses import dataclass

from accounts.models import AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    events: list[AuditEvent]
    count: int


def find(*, user_id: uuid.UUID, page: int, page_size: int) -> Page:
    """The newest first, counted from 1, and how many there are in all: two queries."""
    found = AuditEvent.objects.filter(user_id=user_id)
    start = (page - 1) * page_size
    rows = found.order_by("-created_at", "-id")[start : start + page_size]
    return Page(events=list(rows), count=found.count())
