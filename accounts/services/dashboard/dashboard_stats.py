"""The figures of the admin's first page: what happened each day, what there is now, and how that went hour by hour."""

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
from accounts.services.dashboard.approximate_counts import Precision, Roughly
from core.redis.client import RedisUnavailable, execute
from sessions_tracking.models import Session, SessionQuerySet

DAYS = 30
READING_DAYS = 7
KINDS = (AuditKind.REGISTERED, AuditKind.LOGIN, AuditKind.LOGIN_FAILED)
_COUNTING_SECONDS = 0.3  # after which whoever waits for the page has waited enough
_FRESH_SECONDS = 60
_PAST_SECONDS = 25 * 60 * 60
_PREFIX = "figures:"

Counts = dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    active_sessions: int
    emails_waiting: int
    emails_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """As `Now`, each as exactly as it can be had at once."""

    active_sessions: Roughly
    emails_waiting: Roughly
    emails_failed: Roughly


def days(today: date, *, seconds: float | None = _COUNTING_SECONDS) -> dict[date, Counts | None]:
    """Of each of the last DAYS days, the oldest first, how many events of each of KINDS there were; None where that takes longer.

    A day that is over changes no more and is counted once: by the worker as a rule, else by whoever looks first.
    """
    wanted = [today - timedelta(days=ago) for ago in range(DAYS)]
    known: dict[date, Counts | None] = {day: _kept(f"{day}") for day in wanted}
    deadline = None if seconds is None else monotonic() + seconds
    for day in (day for day in wanted if known[day] is None):
        known[day] = counted = _count(day)
        _keep(f"{day}", counted, _FRESH_SECONDS if day == today else _PAST_SECONDS)
        if deadline is not None and monotonic() > deadline:
            break  # one more each time, at the least
    return {day: known[day] for day in reversed(wanted)}


def _count(day: date) -> Counts:
    """By a walk through the index of kind and time."""
    start = datetime.combine(day, time(), UTC)
    found = AuditEvent.objects.filter(kind__in=KINDS, created_at__gte=start, created_at__lt=start + timedelta(days=1))
    return dict(found.values_list("kind").annotate(count=Count("*")).order_by())


def glance() -> Glance:
    """At most a minute old."""
    kept = _kept("now")
    if kept is not None:
        return Glance(**{name: Roughly(count, Precision(word)) for name, (count, word) in kept.items()})
    seen = Glance(
        active_sessions=approximate_counts.about(_active()),
        emails_waiting=approximate_counts.up_to(_waiting()),
        emails_failed=approximate_counts.up_to(_failed()),
    )
    _keep("now", {name: tuple(roughly.values()) for name, roughly in asdict(seen).items()}, _FRESH_SECONDS)
    return seen


def count_now() -> Now:
    """To the last one, which takes its time where there are many."""
    return Now(active_sessions=_active().count(), emails_waiting=_waiting().count(), emails_failed=_failed().count())


def _active() -> SessionQuerySet:
    return Session.objects.active(datetime.now(UTC))


def _waiting() -> QuerySet[OutboxEmail]:
    return OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING])


def _failed() -> QuerySet[OutboxEmail]:
    return OutboxEmail.objects.filter(state=EmailState.FAILED)


def take_snapshot() -> None:
    """For this hour, which it replaces where it was taken already; those of long ago go. Counts the days too."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    MetricSnapshot.objects.update_or_create(taken_at=hour, defaults=asdict(count_now()))
    MetricSnapshot.objects.filter(taken_at__lt=hour - timedelta(days=READING_DAYS)).delete()
    days(hour.date(), seconds=None)


def readings() -> list[MetricSnapshot]:
    """The oldest first: at most one an hour."""
    return list(MetricSnapshot.objects.order_by("taken_at"))


def _kept(name: str) -> Any:
    with suppress(RedisUnavailable):
        text = execute(lambda client: client.get(_PREFIX + name))
        return json.loads(text) if text else None
    return None


def _keep(name: str, value: Mapping[str, Any], seconds: int) -> None:
    keep: Callable[[Any], Any] = lambda client: client.set(_PREFIX + name, json.dumps(value), ex=seconds)  # noqa: E731
    with suppress(RedisUnavailable):
        execute(keep)
