"""Counts the migrations of this code that the database does not have yet."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

_up_to_date: set[str] = set()


def count_pending() -> int:
    """Raises DatabaseError. Remembers zero: a process does not change its code, so none can be added later."""
    if connection.alias in _up_to_date:
        return 0
    executor = MigrationExecutor(connection)
    count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not count:
        _up_to_date.add(connection.alias)
    return count


def reset() -> None:
    """For tests."""
    _up_to_date.clear()
