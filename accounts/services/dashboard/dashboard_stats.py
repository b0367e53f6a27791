"""The statistics of the admin's first page: events per day, current totals, and their hourly history."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any

from django.db.models import Count, QuerySet

from accounts.models import AuditEvent, AuditKind, EmailState, MetricSnapshot, OutboxEmail
from accounts.services.dashboard import approximate_counts
from accounts.services.dashboard.approximate_counts import ApproximateCount, Precision
from core.redis.client import RedisUnavailable, execute
from sessions_tracking.models import Session, SessionQuerySet

DAYS = 30
SNAPSHOT_DAYS = 7
CHARTED_KINDS = (AuditKind.REGISTERED, AuditKind.LOGIN, AuditKind.LOGIN_FAILED)
_MAX_COUNTING_SECONDS = 0.3  # per page load
_CURRENT_CACHE_SECONDS = 60
_PAST_CACHE_SECONDS = 25 * 60 * 60
_CACHE_PREFIX = "dashboard:"

Counts = dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    active_sessions: int
    emails_waiting: int
    emails_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproximateTotals:
    """The fields of `Totals`, as exact as a page load allows."""

    active_sessions: ApproximateCount
    emails_waiting: ApproximateCount
    emails_failed: ApproximateCount


def daily_counts(today: date, *, seconds: float | None = _MAX_COUNTING_SECONDS) -> dict[date, Counts | None]:
    """Return the events of each of the last DAYS days by kind, oldest first; None for days not counted within `seconds`.

    Past days do not change and are counted once: usually by the hourly task, otherwise by page loads, at least one day
    per load.
    """
    days = [today - timedelta(days=ago) for ago in range(DAYS)]
    counts: dict[date, Counts | None] = {day: _get_cached(f"{day}") for day in days}
    deadline = None if seconds is None else monotonic() + seconds
    for day in (day for day in days if counts[day] is None):
        counts[day] = day_counts = _count_day(day)
        _set_cached(f"{day}", day_counts, _CURRENT_CACHE_SECONDS if day == today else _PAST_CACHE_SECONDS)
        if deadline is not None and monotonic() > deadline:
            break
    return {day: counts[day] for day in reversed(days)}


def _count_day(day: date) -> Counts:
    """Count through the index of kind and time."""
    start = datetime.combine(day, time(), UTC)
    events = AuditEvent.objects.filter(
        kind__in=CHARTED_KINDS, created_at__gte=start, created_at__lt=start + timedelta(days=1)
    )
    return dict(events.values_list("kind").annotate(count=Count("*")).order_by())


def approximate_totals() -> ApproximateTotals:
    """Return totals that are at most a minute old."""
    cached = _get_cached("totals")
    if cached is not None:
        return ApproximateTotals(
            **{name: ApproximateCount(count, Precision(precision)) for name, (count, precision) in cached.items()}
        )
    totals = ApproximateTotals(
        active_sessions=approximate_counts.estimate(_active_sessions()),
        emails_waiting=approximate_counts.count_up_to(_waiting_emails()),
        emails_failed=approximate_counts.count_up_to(_failed_emails()),
    )
    values = {name: tuple(count.values()) for name, count in asdict(totals).items()}
    _set_cached("totals", values, _CURRENT_CACHE_SECONDS)
    return totals


def exact_totals() -> Totals:
    """Count all rows, which is slow in large tables."""
    return Totals(
        active_sessions=_active_sessions().count(),
        emails_waiting=_waiting_emails().count(),
        emails_failed=_failed_emails().count(),
    )


def _active_sessions() -> SessionQuerySet:
    return Session.objects.active(datetime.now(UTC))


def _waiting_emails() -> QuerySet[OutboxEmail]:
    return OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING])


def _failed_emails() -> QuerySet[OutboxEmail]:
    return OutboxEmail.objects.filter(state=EmailState.FAILED)


def take_snapshot() -> None:
    """Save the totals of this hour, replacing an earlier snapshot of the hour; delete old ones; count missing days."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    MetricSnapshot.objects.update_or_create(taken_at=hour, defaults=asdict(exact_totals()))
    MetricSnapshot.objects.filter(taken_at__lt=hour - timedelta(days=SNAPSHOT_DAYS)).delete()
    daily_counts(hour.date(), seconds=None)


def hourly_snapshots() -> list[MetricSnapshot]:
    """Return the snapshots, oldest first."""
    return list(MetricSnapshot.objects.order_by("taken_at"))


def _get_cached(name: str) -> Any:
    with suppress(RedisUnavailable):
        text = execute(lambda client: client.get(_CACHE_PREFIX + name))
        return json.loads(text) if text else None
    return None


def _set_cached(name: str, value: Mapping[str, Any], seconds: int) -> None:
    write: Callable[[Any], Any] = lambda client: client.set(_CACHE_PREFIX + name, json.dumps(value), ex=seconds)  # noqa: E731
    with suppress(RedisUnavailable):
        execute(write)
