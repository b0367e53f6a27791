"""Django's `migrate`, of which two at once do the work once: the second waits, and finds nothing left to do."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

# Any number will do, as long as all processes of the project name the same one.
_LOCK_ID = 0x5645_5354


class RecordingExecutor(MigrationExecutor):
    """Records each migration in its own transaction. Django does so after it where foreign keys come last, and whoever is
    killed in between can never migrate again: the tables are there, and nobody knows.
    """

    def apply_migration(self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        apply = migration.apply

        def apply_to_the_end(project_state: Any, schema_editor: Any, collect_sql: bool = False) -> Any:  # noqa: FBT001, FBT002
            result = apply(project_state, schema_editor, collect_sql)
            for statement in schema_editor.deferred_sql:
                schema_editor.execute(statement)
            schema_editor.deferred_sql.clear()
            return result

        migration.apply = apply_to_the_end
        return super().apply_migration(state, migration, fake, fake_initial)


migrate.MigrationExecutor = RecordingExecutor  # type: ignore[attr-defined]  # the command asks for it by this name alone


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with _alone(connections[options["database"]]):
            super().handle(*args, **options)


@contextmanager
def _alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """PostgreSQL has locks that a session holds until it ends, however it ends; beside a SQLite file lies a lock file."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK_ID])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])
        return
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or "mode=memory" in name:
        yield
        return
    with Path(f"{name}.migrate-lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
