"""Deletes expired rows, by the rules of `cleanup_rules`, in batches that traffic hardly notices."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import OutboxEmail, User, VerificationCode
from accounts.services.cleanup_rules import RULES
from core.observability import heartbeat
from sessions_tracking.models import Session

BATCH = 2000
# SQLite has one writer at a time, and a writer that waits for the lock polls only now and then.
_PAUSE_SECONDS = {"sqlite": 0.03}

# Rows of other tables are deleted with these, or lose their reference to them.
_WITH_DEPENDENTS = frozenset({User, OutboxEmail})
_DELETE_BATCH = """
WITH picked (pk, tuple_id) AS MATERIALIZED ({picked} FOR UPDATE SKIP LOCKED),
     deleted AS (DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT tuple_id FROM picked)) RETURNING 1)
SELECT (SELECT count(*) FROM deleted), count(*), (array_agg(pk ORDER BY pk DESC))[1],
       set_config('synchronous_commit', 'off', true) FROM picked
"""

Report = Callable[[str, int], None]
Key = uuid.UUID | str


class CleanupTimeoutError(Exception):
    """The time was up before all rows were deleted. `deleted` counts those that were; the next run continues."""

    def __init__(self, deleted: Mapping[str, int]) -> None:
        super().__init__(f"timed out after {sum(deleted.values())} rows")
        self.deleted = deleted


def count_expired() -> dict[str, int]:
    now = datetime.now(UTC)
    return {rule.name: rows.count() for rule in RULES if (rows := rule.expired(now)) is not None}


def delete_expired(*, report: Report = lambda _name, _count: None, max_seconds: float | None = None) -> dict[str, int]:
    """Delete in batches of BATCH, each in a short transaction of its own. Return the counts by rule.

    Safe to run concurrently with traffic and with itself: locked rows are skipped. `report` is called after each batch.
    Raises CleanupTimeoutError after `max_seconds`, between two batches.
    """
    deadline = time.monotonic() + max_seconds if max_seconds is not None else None
    deleted: Counter[str] = Counter()
    now = datetime.now(UTC)

    def count_batch(name: str, count: int) -> None:
        deleted[name] += count
        report(name, count)
        if deadline is not None and time.monotonic() > deadline:
            raise CleanupTimeoutError(deleted)

    for rule in RULES:
        rows = rule.expired(now)
        if rows is not None:
            deleted[rule.name] = 0
            _delete_all(rule.name, rows, rule.cleared, count_batch)
    heartbeat.cleanup_finished()
    return dict(deleted)


def _delete_all(name: str, rows: QuerySet[Any], cleared: Mapping[str, Any] | None, report: Report) -> None:
    """Go along the primary key, so that no batch reads again what earlier batches deleted or skipped."""
    rest = rows
    while True:
        last, count = _delete_batch(rest) if cleared is None else _clear_batch(rest, cleared)
        if count:
            report(name, count)
        if last is None:
            return
        rest = rows.filter(pk__gt=last)
        time.sleep(_PAUSE_SECONDS.get(connection.vendor, 0))


def _delete_batch(rows: QuerySet[Any]) -> tuple[Key | None, int]:
    """Return the last key, or None after the last batch, and the number of deleted rows.

    The rows are locked first, so that none changes, and is no longer expired, between the check and the deletion.
    """
    if connection.vendor == "postgresql" and rows.model not in _WITH_DEPENDENTS:
        return _delete_batch_in_one_statement(rows)
    with transaction.atomic():
        keys = _lock_batch(rows)
        deletable = _without_code_in_use(keys) if rows.model is User else keys
        if deletable:
            _delete(rows.model, deletable)
    return keys[-1] if len(keys) == BATCH else None, len(deletable)


def _clear_batch(rows: QuerySet[Any], values: Mapping[str, Any]) -> tuple[Key | None, int]:
    with transaction.atomic():
        keys = _lock_batch(rows)
        rows.model._default_manager.filter(pk__in=_any_of(keys)).update(**values)  # noqa: SLF001 - documented by Django
    return keys[-1] if len(keys) == BATCH else None, len(keys)


def _lock_batch(rows: QuerySet[Any]) -> list[Key]:
    return list(_skip_locked(rows.order_by("pk")).values_list("pk", flat=True)[:BATCH])


def _delete_batch_in_one_statement(rows: QuerySet[Any]) -> tuple[Key | None, int]:
    """Do the same in one statement: to transfer the keys to Python and back costs more than the deletion.

    Rows are deleted by their physical location (ctid), without another index lookup. A row that moved since is left to
    the next run. The commit does not wait for the disk: rows that reappear after a crash are still expired.
    """
    table = connection.ops.quote_name(rows.model._meta.db_table)  # noqa: SLF001 - documented by Django
    located = rows.order_by("pk").annotate(tuple_id=RawSQL(f"{table}.ctid", ()))  # noqa: S611 - a table of this project
    picked, params = located.values_list("pk", "tuple_id")[:BATCH].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_BATCH.format(picked=picked, table=table), params)
        deleted, count, last, _setting = cursor.fetchone()
    return last if count == BATCH else None, deleted


def _without_code_in_use(users: list[Key]) -> list[Key]:
    """Leave out users one of whose codes is locked.

    A request that uses a code locks the code's row, then the user's: to wait for the code's row here would deadlock.
    """
    codes = VerificationCode.objects.filter(user_id__in=_any_of(users))
    locked = list(_skip_locked(codes).values_list("pk", flat=True))
    in_use = set(codes.exclude(pk__in=_any_of(locked)).values_list("user_id", flat=True))
    return [user for user in users if user not in in_use]


def _skip_locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)


def _delete(model: type[Any], keys: list[Any]) -> None:
    """Run one statement per table and load no rows. Only users go through Django, which knows all references to them."""
    if model is User:
        for dependent in (VerificationCode, OutboxEmail, Session):
            _delete_without_cascade(dependent.objects.filter(user_id__in=_any_of(keys)))
        User.objects.filter(pk__in=_any_of(keys)).only("pk").delete()
        return
    if model is OutboxEmail:
        VerificationCode.objects.filter(email_id__in=_any_of(keys)).update(email=None)
    _delete_without_cascade(model.objects.filter(pk__in=_any_of(keys)))


def _delete_without_cascade(rows: QuerySet[Any]) -> None:
    """Nothing refers to these rows any more; `delete` would load every row to check for references."""
    rows._raw_delete(rows.db)  # noqa: SLF001 - the statement that `delete` itself ends with


def _any_of(keys: list[Any]) -> list[Any] | RawSQL:
    """Pass the keys as one array if the database has arrays: thousands of placeholders cost more than the deletion."""
    if connection.vendor != "postgresql" or not keys:  # an empty array has no type
        return keys
    return RawSQL("SELECT unnest(%s)", [keys])
