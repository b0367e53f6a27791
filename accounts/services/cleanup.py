"""Removes what is over: old sessions and emails, spent secrets, accounts that were never verified."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session as AdminSession
from django.db import connection, transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import (
    AttemptCounter,
    AuditEvent,
    EmailChange,
    EmailState,
    OutboxEmail,
    PendingLogin,
    Purpose,
    User,
    VerificationCode,
)
from accounts.services import unverified_accounts
from core.observability import heartbeat
from sessions_tracking.models import Session

BATCH = 2000
# SQLite has one writer at a time, and whoever waits for its turn only looks every now and then.
_PAUSE_SECONDS = {"sqlite": 0.03}
_MIN_COUNTER_LIFETIME = timedelta(days=1)
_FAILED_LIFETIME = timedelta(days=30)

# What else goes with them, or lets go of them.
_WITH_DEPENDANTS = frozenset({User, OutboxEmail})
_AT_ONCE = """
WITH picked (pk, place) AS MATERIALIZED ({picked} FOR UPDATE SKIP LOCKED),
     gone AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT place FROM picked)) RETURNING 1)
SELECT (SELECT count(*) FROM gone), count(*), (array_agg(pk ORDER BY pk DESC))[1],
       set_config('synchronous_commit', 'off', true) FROM picked
"""

# Expired sessions stay for support, without their data; sessions that were ended lost theirs at that moment.
SESSION_DATA = "data of expired sessions"

Progress = Callable[[str, int], None]
Key = uuid.UUID | str


class CutOffError(Exception):
    """The time was up before everything was removed. `removed` is what was; the next run continues with the rest."""

    def __init__(self, removed: Mapping[str, int]) -> None:
        super().__init__(f"cut off after {sum(removed.values())} rows")
        self.removed = removed


def over(now: datetime) -> Mapping[str, QuerySet[Any]]:
    """What is over at `now`, by its name for people."""
    spent = Q(used_at__isnull=False, purpose=Purpose.RESET_PASSWORD)  # a used verification link still says yes
    since = now - settings.HISTORY_RETENTION
    found: dict[str, QuerySet[Any]] = {
        "sessions": Session.objects.filter(Q(revoked_at__lte=since) | Q(expires_at__lte=since)),
        SESSION_DATA: Session.objects.filter(expires_at__lte=now).exclude(data={}),
        "secrets": VerificationCode.objects.filter(
            Q(invalidated_at__isnull=False) | Q(token_expires_at__lte=now) | spent
        ),
        "emails": _emails(now),
        "admin sessions": AdminSession.objects.filter(expire_date__lte=now),
        "unfinished sign-ins": PendingLogin.objects.filter(expires_at__lte=now),
        "attempt counters": AttemptCounter.objects.filter(window_started_at__lt=now - _counter_lifetime()),
        "address changes": EmailChange.objects.filter(undo_expires_at__lte=now),
        "audit events": AuditEvent.objects.filter(created_at__lt=now - settings.AUDIT_RETENTION),
    }
    if settings.EMAIL_VERIFICATION != "none":  # else nobody was ever asked to verify
        found["unverified accounts"] = unverified_accounts.expired(now)
    return found


def _counter_lifetime() -> timedelta:
    """Return a time after which no code or window of a counter is valid any more."""
    limit = settings.RATE_LIMIT_CODES
    windows = (
        settings.VERIFICATION_CODE_LIFETIME,
        settings.RESEND_PAUSE,
        timedelta(seconds=limit.seconds if limit else 0),
    )
    return max(_MIN_COUNTER_LIFETIME, *windows)


def _emails(now: datetime) -> QuerySet[OutboxEmail]:
    """An email that was sent after one that still waits is kept: by it the late one learns that it was overtaken."""
    waiting = OutboxEmail.objects.filter(state__in=[EmailState.QUEUED, EmailState.SENDING])
    oldest = waiting.aggregate(oldest=Min("created_at"))["oldest"] or now
    sent = Q(state=EmailState.SENT, created_at__lt=min(oldest, now - settings.HISTORY_RETENTION))
    cancelled = Q(state=EmailState.CANCELLED, created_at__lt=oldest)
    failed_since = now - max(_FAILED_LIFETIME, settings.HISTORY_RETENTION)
    return OutboxEmail.objects.filter(sent | cancelled | Q(state=EmailState.FAILED, created_at__lt=failed_since))


def count_over() -> dict[str, int]:
    return {name: rows.count() for name, rows in over(datetime.now(UTC)).items()}


def remove_over(*, report: Progress = lambda _name, _count: None, max_seconds: float | None = None) -> dict[str, int]:
    """Deletes in batches of BATCH, each a transaction of its own, so that traffic waits for none of them long.

    Safe beside itself and beside traffic: it passes over rows that somebody else holds, and so waits for nobody.
    `report` hears of each batch. Raises CutOffError after `max_seconds`, between two batches.
    """
    deadline = time.monotonic() + max_seconds if max_seconds is not None else None
    removed: Counter[str] = Counter()

    def count(name: str, batch: int) -> None:
        removed[name] += batch
        report(name, batch)
        if deadline is not None and time.monotonic() > deadline:
            raise CutOffError(removed)

    kinds = over(datetime.now(UTC))
    for name, rows in kinds.items():
        _remove(name, rows, count)
    heartbeat.cleanup_finished()
    return {name: removed[name] for name in kinds}


def _remove(name: str, rows: QuerySet[Any], report: Progress) -> None:
    """Along the primary key, so that no batch looks again at what the batches before it left, dead or in use."""
    rest, remove_batch = rows, _forget_data_of_batch if name == SESSION_DATA else _remove_batch
    while True:
        last, count = remove_batch(rest)
        if count:
            report(name, count)
        if last is None:
            return
        rest = rows.filter(pk__gt=last)
        time.sleep(_PAUSE_SECONDS.get(connection.vendor, 0))


def _remove_batch(rows: QuerySet[Any]) -> tuple[Key | None, int]:
    """How many rows went, and the key to go on after; None at the end, or it would chase after what ends meanwhile.

    Locks what it picks: a row cannot change, and be wanted again, between the question whether it is over and its end.
    """
    if connection.vendor == "postgresql" and rows.model not in _WITH_DEPENDANTS:
        return _remove_at_once(rows)
    with transaction.atomic():
        keys: list[Key] = list(_locked(rows.order_by("pk")).values_list("pk", flat=True)[:BATCH])
        free = _without_secret_in_use(keys) if rows.model is User else keys
        if free:
            _delete(rows.model, free)
    return keys[-1] if len(keys) == BATCH else None, len(free)


def _forget_data_of_batch(rows: QuerySet[Session]) -> tuple[Key | None, int]:
    with transaction.atomic():
        keys: list[Key] = list(_locked(rows.order_by("pk")).values_list("pk", flat=True)[:BATCH])
        Session.objects.filter(pk__in=_among(keys)).update(data={})
    return keys[-1] if len(keys) == BATCH else None, len(keys)


def _remove_at_once(rows: QuerySet[Any]) -> tuple[Key | None, int]:
    """The same as one statement: to bring the keys here and send them back costs more than to delete the rows.

    Rows are deleted where they lie, without a second look at an index. One that moved between the look and the lock is left
    to the next run. It waits for no disk either: what comes back because the machine crashed is over still.
    """
    table = connection.ops.quote_name(rows.model._meta.db_table)  # noqa: SLF001 - public in all but its name
    placed = rows.order_by("pk").annotate(place=RawSQL(f"{table}.ctid", ()))  # noqa: S611 - our own table's name
    picked, params = placed.values_list("pk", "place")[:BATCH].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_AT_ONCE.format(picked=picked, table=table), params)
        gone, count, last, _setting = cursor.fetchone()
    return last if count == BATCH else None, gone


def _without_secret_in_use(users: list[Key]) -> list[Key]:
    """Who uses a code or link up holds its row and wants the user's next; to wait for that row here would be a deadlock."""
    secrets = VerificationCode.objects.filter(user_id__in=_among(users))
    locked = list(_locked(secrets).values_list("pk", flat=True))
    in_use = set(secrets.exclude(pk__in=_among(locked)).values_list("user_id", flat=True))
    return [user for user in users if user not in in_use]


def _locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)


def _delete(model: type[Any], keys: list[Any]) -> None:
    """One statement a table and no row loaded; only users are left to Django, which knows who else refers to them."""
    if model is User:
        for dependant in (VerificationCode, OutboxEmail, Session):
            _delete_directly(dependant.objects.filter(user_id__in=_among(keys)))
        User.objects.filter(pk__in=_among(keys)).only("pk").delete()
        return
    if model is OutboxEmail:
        VerificationCode.objects.filter(email_id__in=_among(keys)).update(email=None)
    _delete_directly(model.objects.filter(pk__in=_among(keys)))


def _delete_directly(rows: QuerySet[Any]) -> None:
    """What refers to these rows is gone already; `delete` would load each of them to look for it."""
    rows._raw_delete(rows.db)  # noqa: SLF001 - what `delete` itself ends in


def _among(keys: list[Any]) -> list[Any] | RawSQL:
    """One array where there are arrays: to write out as many placeholders costs more than to delete the rows."""
    if connection.vendor != "postgresql" or not keys:  # an empty array has no type
        return keys
    return RawSQL("SELECT unnest(%s)", [keys])
