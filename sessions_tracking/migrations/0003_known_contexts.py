"""Record what is known of existing sessions: a password, a second factor if there was one, and the time of the sign-in.

Each batch is a transaction of its own, so that refreshes wait for no more than one batch.

The column `second_factor` stays in the database, because processes of the former version use it while an upgrade runs.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.db import migrations
from django.db.models import Case, F, Value, When

_BATCH = 2_000
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


def record_known_contexts(apps: Any, schema_editor: Any) -> None:
    sessions = apps.get_model("sessions_tracking", "Session").objects.using(schema_editor.connection.alias)
    last = uuid.UUID(int=0)
    while ids := list(sessions.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:_BATCH]):
        # A step-up may have recorded a context since 0002: that row stays as it is.
        sessions.filter(id__in=ids, authenticated_at=_UNKNOWN).update(
            amr=Case(When(second_factor=True, then=Value("pwd mfa")), default=Value("pwd")),
            acr=Case(When(second_factor=True, then=Value("aal2")), default=Value("aal1")),
            authenticated_at=F("created_at"),
        )
        last = ids[-1]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sessions_tracking", "0002_authentication_context")]

    operations = [
        migrations.RunPython(record_known_contexts, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("session", "second_factor")]),
    ]
