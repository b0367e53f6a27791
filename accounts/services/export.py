"""The export of all personal data of an account (GDPR, article 20)."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.mail import kinds
from accounts.models import AuditEvent, AuditKind, EmailChange, OutboxEmail, User
from accounts.registries import EXPORT_SECTIONS
from accounts.services import profile
from core.throttling import limiter
from sessions_tracking.models import Session

CHUNK = 200  # of sessions with 8 KiB of data each: 1.6 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """`sections` is the data of the capabilities, by name. The lists come in chunks of CHUNK rows, the newest first.

    Each chunk is read when it is iterated, so the memory of an export does not grow with the data.
    """

    user: User
    sections: Mapping[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]
    sessions: Iterator[Sequence[Session]]
    emails: Iterator[Sequence[OutboxEmail]]
    email_changes: Iterator[Sequence[EmailChange]]
    events: Iterator[Sequence[AuditEvent]]


def export_data(*, user_id: uuid.UUID) -> PersonalData:
    """Return all data, ended sessions and completed email changes included, and record the export. Raises RateLimited."""
    limiter.consume(settings.RATE_LIMIT_EXPORT, str(user_id))
    with transaction.atomic():
        user = profile.get(user_id=user_id)
        audit.record(AuditKind.DATA_EXPORTED, user_id=user_id, actor_id=user_id)
    return PersonalData(
        user=user,
        sections={section.name: section.read(user) for section in EXPORT_SECTIONS},
        sessions=_chunks(user.sessions.all(), "created_at"),
        # A code sent to a new email would reveal whether another account has that email.
        emails=_chunks(user.emails.exclude(kind=kinds.EMAIL_CHANGE_CODE.name), "created_at"),
        email_changes=_chunks(user.email_changes.all(), "requested_at"),
        events=_chunks(AuditEvent.objects.filter(user_id=user_id), "created_at"),
    )


def _chunks(rows: QuerySet[Any], at: str) -> Iterator[Sequence[Any]]:
    """Page by the index of the timestamp, so that no rows are skipped by OFFSET and no cursor stays open between chunks."""
    remaining = rows.order_by(f"-{at}", "-id")
    while chunk := list(remaining[:CHUNK]):
        yield chunk
        if len(chunk) < CHUNK:
            return
        last = getattr(chunk[-1], at)
        older = Q(**{f"{at}__lt": last}) | Q(**{at: last, "id__lt": chunk[-1].id})
        remaining = rows.filter(older, **{f"{at}__lte": last}).order_by(f"-{at}", "-id")
