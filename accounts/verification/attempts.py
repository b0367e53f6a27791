"""Limits attempts in the database: one counter per rule and key, charged by one conditional statement.

Charge an attempt before the code is compared, and outside of a transaction that may be rolled back: parallel guesses then
cannot exceed the limit. Wrong passwords are counted in Redis instead (accounts.services.password_attempts), because a login
must not cost a write.

    rule = AttemptRule(purpose="mfa_code", max_attempts=10, window=timedelta(hours=1))
    if not attempts.charge(rule=rule, key=str(user.id)):
        raise TooManyWrongCodes(retry_after=attempts.retry_after(rule=rule, key=str(user.id)))

A flow that charges only wrong codes, while it holds the user's row, reads the counter first with the statement that reads its
own row: `.annotate(is_exhausted=Exists(attempts.exhausted(rule=rule, key=...)))`.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import CharField, QuerySet

from accounts.models import AttemptCounter
from accounts.tokens.signing import hmac_hexdigest
from core.db.prepared import Param
from core.db.prepared_writes import PreparedDelete

# The same in PostgreSQL and SQLite. The conflicting row is locked and read as it is now, so of any number of concurrent
# requests exactly `max_attempts` change a row; an INSERT after an UPDATE would need a savepoint and a retry.
_CHARGE = """
INSERT INTO {table} AS counter (key, purpose, count, window_started_at) VALUES (%(key)s, %(purpose)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN counter.window_started_at <= %(expired)s THEN 1 ELSE counter.count + 1 END,
    window_started_at = CASE
        WHEN counter.window_started_at <= %(expired)s THEN excluded.window_started_at ELSE counter.window_started_at END
WHERE counter.count < %(max_attempts)s OR counter.window_started_at <= %(expired)s
"""
_RESET = PreparedDelete(lambda: AttemptCounter.objects.filter(key=Param("key", CharField())))


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRule:
    """Allow `max_attempts` within `window`, which the first attempt starts; without a window, until `reset`."""

    purpose: str
    max_attempts: int
    window: timedelta | None = None


def charge(*, rule: AttemptRule, key: str) -> bool:
    """Count an attempt and return True, or return False if none is left. Safe in races; the row count decides."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "key": _hashed(rule, key),
        "purpose": rule.purpose,
        "now": _adapted(now),
        "expired": _adapted(now - rule.window if rule.window is not None else datetime.min.replace(tzinfo=UTC)),
        "max_attempts": rule.max_attempts,
    }
    table = connection.ops.quote_name(AttemptCounter._meta.db_table)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        cursor.execute(_CHARGE.format(table=table), values)
        return bool(cursor.rowcount == 1)


def retry_after(*, rule: AttemptRule, key: str) -> int:
    """Return the seconds until an attempt is allowed again: 0 if one is left, or if the rule has no window."""
    if rule.window is None:
        return 0
    started_at = exhausted(rule=rule, key=key).values_list("window_started_at", flat=True).first()
    left = started_at + rule.window - datetime.now(UTC) if started_at else timedelta()
    return max(0, math.ceil(left.total_seconds()))


def exhausted(*, rule: AttemptRule, key: str) -> QuerySet[AttemptCounter]:
    """Return the counter as a queryset, empty while an attempt is left. For `Exists` in the statement of another table."""
    counters = AttemptCounter.objects.filter(key=_hashed(rule, key), count__gte=rule.max_attempts)
    if rule.window is not None:
        counters = counters.filter(window_started_at__gt=datetime.now(UTC) - rule.window)
    return counters


def reset(*, rule: AttemptRule, key: str) -> None:
    """Start again at zero, within the caller's transaction: the code was right, or another one replaces it."""
    _RESET.run(key=_hashed(rule, key))


def _hashed(rule: AttemptRule, key: str) -> str:
    return hmac_hexdigest("attempts", rule.purpose, key)


def _adapted(at: datetime) -> object:
    """Return the timestamp in the form in which this database stores it."""
    return connection.ops.adapt_datetimefield_value(at)
