"""A database that has the squashed migrations of an earlier version is refused."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["accounts", "sessions_tracking"])
def test_migrate_refuses_a_database_with_the_former_migrations(app: str) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied(app, "0001_initial")
    applied = recorder.applied_migrations().keys()

    with pytest.raises(CommandError, match=r"before the first release.*start with an empty database\.$"):
        call_command("migrate", verbosity=0)

    assert recorder.applied_migrations().keys() == applied


@pytest.mark.django_db
def test_migrate_accepts_a_database_of_this_version() -> None:
    applied = MigrationRecorder(connection).applied_migrations().keys()

    call_command("migrate", verbosity=0)

    assert MigrationRecorder(connection).applied_migrations().keys() == applied
