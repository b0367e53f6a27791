"""The state of each dependency. Each check returns within a bounded time, and names no host and no version."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from core.observability import migrations, writability
from core.observability.database_reports import DATABASE_REPORTS, Reading
from core.observability.timed_probe import Probe
from core.redis.client import RedisRejected, RedisUnavailable, execute
from core.task_queue.broker_health import check_broker


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """`pending` is None if the database did not respond. After a failover it may respond and accept no writes."""

    pending: int | None = None
    is_read_only: bool = False
    reports: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def is_available(self) -> bool:
        return self.pending is not None

    @property
    def is_degraded(self) -> bool:
        return any(reading.is_degraded for reading in self.reports.values())

    @property
    def state(self) -> str:
        if not self.is_available:
            return "unavailable"
        return "read_only" if self.is_read_only else "ok"


def _check_database() -> Database:
    """Reads no reports before the migrations have run: their tables may not exist."""
    try:
        pending = migrations.count_pending()
        reports = {} if pending else {report.name: report.read() for report in DATABASE_REPORTS}
        return Database(pending=pending, reports=reports, is_read_only=writability.is_read_only())
    except Exception:  # noqa: BLE001 - any failure means that it does not respond
        return Database()


_database = Probe(_check_database, unavailable=Database())
_broker = Probe(check_broker, unavailable="unavailable")


def database() -> Database:
    return _database.result()


def redis() -> str:
    """Return "out_of_memory" if Redis responds but cannot store anything new."""
    try:
        execute(lambda client: client.set("vestibule:readyz", 1, ex=1))
    except RedisRejected:
        return "out_of_memory"
    except RedisUnavailable:
        return "unavailable"
    return "ok"


def broker(redis_state: str) -> str:
    """Return the state of Redis where it is the broker too."""
    return redis_state if settings.BROKER_IS_REDIS else _broker.result()
