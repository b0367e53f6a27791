"""Recognizes a database that an earlier, incompatible schema of the project created.

Before the first release, each app's migrations were squashed into one. An `AppConfig` names the removed migrations of its
app in `former_migrations`.
"""

from django.apps import apps
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder


def refuse_former_schema(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError if a removed migration was applied to this database. Changes nothing."""
    former = {
        (config.label, name) for config in apps.get_app_configs() for name in getattr(config, "former_migrations", ())
    }
    if former & MigrationRecorder(connection).applied_migrations().keys():
        raise CommandError(
            "This database has the tables of a version before the first release, which cannot be migrated; "
            "start with an empty database."
        )
