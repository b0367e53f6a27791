"""The owner's own audit events, by page."""

import uuid

from accounts.models import AuditEvent
from accounts.services.pagination import Page

MAX_LISTED = 10_000


def find(*, user_id: uuid.UUID, page: int, page_size: int) -> Page[AuditEvent]:
    """Return a page of the latest MAX_LISTED events, newest first: two queries.

    Older events are in the export. The limit keeps the cost of skipping and counting bounded.
    """
    newest = AuditEvent.objects.filter(user_id=user_id).order_by("-created_at", "-id")[:MAX_LISTED]
    start = (page - 1) * page_size
    rows = list(newest[start : start + page_size]) if start < MAX_LISTED else []
    return Page(rows=rows, count=newest.count(), number=page, size=page_size)
