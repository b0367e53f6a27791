"""Removes what is over: ended sessions, spent secrets, settled emails, accounts that were never verified."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import CodeTries, EmailState, OneTimeSecret, OutboxEmail, User
from sessions_tracking.models import Session

BATCH = 1000
_TRIES_LIFETIME = timedelta(days=1)

Progress = Callable[[str, int], None]


def over(now: datetime) -> Mapping[str, QuerySet[Any]]:
    """What is over at `now`, by its name for people."""
    unverified_since = now - settings.UNVERIFIED_ACCOUNT_LIFETIME
    never_verified = Q(email_verified_at=None, created_at__lt=unverified_since, last_login=None, is_staff=False)
    return {
        "sessions": Session.objects.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now)),
        "secrets": OneTimeSecret.objects.filter(Q(superseded_at__isnull=False) | Q(token_expires_at__lte=now)),
        "emails": OutboxEmail.objects.filter(state__in=[EmailState.SENT, EmailState.CANCELLED]),
        "code tries": CodeTries.objects.filter(updated_at__lt=now - _TRIES_LIFETIME),
        "unverified accounts": User.objects.filter(never_verified).exclude(email=None),
    }


def count_over() -> dict[str, int]:
    return {name: rows.count() for name, rows in over(datetime.now(UTC)).items()}


def remove_over(*, report: Progress = lambda _name, _count: None) -> dict[str, int]:
    """Deletes in batches of BATCH, each a transaction of its own, so that traffic waits for none of them long.

    Safe beside itself: what another run deleted first is simply not there. `report` hears of each batch.
    """
    return {name: _remove(name, rows, report) for name, rows in over(datetime.now(UTC)).items()}


def _remove(name: str, rows: QuerySet[Any], report: Progress) -> int:
    """The condition is asked again when it deletes: a row that changed since it was picked may be wanted again."""
    removed = 0
    while picked := list(rows.values_list("pk", flat=True)[:BATCH]):
        _, by_model = rows.filter(pk__in=picked).delete()
        count = by_model.get(rows.model._meta.label, 0)  # noqa: SLF001 - Django's documented way to a model's name
        if not count:
            break
        removed += count
        report(name, count)
    return removed
