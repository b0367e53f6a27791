"""How many migrations of this code the database has not seen."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

_settled: set[str] = set()


def pending() -> int:
    """Raises DatabaseError. Once there are none there never will be: a process does not change its code."""
    if connection.alias in _settled:
        return 0
    executor = MigrationExecutor(connection)
    count = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not count:
        _settled.add(connection.alias)
    return count


def forget() -> None:
    """For tests."""
    _settled.clear()
