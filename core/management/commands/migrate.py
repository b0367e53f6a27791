"""Django's `migrate` under a lock: of two concurrent runs, the second waits and then has nothing to do."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from core.db import migration_lock
from core.db.former_schema import refuse_former_schema

_WAIT_SECONDS = 600.0


class RecordingExecutor(MigrationExecutor):
    """Records each migration in the migration's own transaction: docs/decisions/0008-migrate-command.md.

    Django records it afterwards if foreign keys are deferred. A process that was killed in between could never migrate
    again: the tables exist, but no row says so.
    """

    def apply_migration(self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        apply = migration.apply

        def apply_completely(project_state: Any, schema_editor: Any, collect_sql: bool = False) -> Any:  # noqa: FBT001, FBT002
            result = apply(project_state, schema_editor, collect_sql)
            for statement in schema_editor.deferred_sql:
                schema_editor.execute(statement)
            schema_editor.deferred_sql.clear()
            return result

        migration.apply = apply_completely
        return super().apply_migration(state, migration, fake, fake_initial)


migrate.MigrationExecutor = RecordingExecutor  # type: ignore[attr-defined]  # the only name by which the command refers to it


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--wait",
            type=float,
            default=_WAIT_SECONDS,
            metavar="SECONDS",
            help="how long to wait for another process that is migrating (default: %(default)g)",
        )

    def handle(self, *args: Any, wait: float = _WAIT_SECONDS, **options: Any) -> None:
        connection = connections[options["database"]]
        with migration_lock.held(connection, seconds=wait, notify=self._notify):
            refuse_former_schema(connection)
            super().handle(*args, **options)

    def _notify(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
