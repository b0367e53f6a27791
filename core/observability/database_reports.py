"""The registry by which an app adds facts from its tables to /readyz and /metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One read of a report: `details` for /readyz, `metrics` for /metrics. If degraded, so is the service, but it is ready."""

    details: Mapping[str, int]
    metrics: Mapping[str, float]
    is_degraded: bool = False


@dataclass(frozen=True, kw_only=True)
class DatabaseReport:
    """`name` is its key in /readyz. `read` may raise DatabaseError; it runs once the database has all migrations."""

    name: str
    read: Callable[[], Reading]
    metric_descriptions: Mapping[str, str]


DATABASE_REPORTS: Registry[DatabaseReport] = Registry("database report")
