"""Replace `second_factor` by how and when the user of a session authenticated.

Existing sessions get what is known of them: a password, a second factor if there was one, and the time of the sign-in.
The column `second_factor` stays in the database with a default, because processes of the former version write it while an
upgrade runs.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Now

from sessions_tracking.authentication_context import current_second


def record_what_is_known(apps: Any, schema_editor: Any) -> None:
    sessions = apps.get_model("sessions_tracking", "Session").objects.using(schema_editor.connection.alias)
    sessions.update(authenticated_at=F("created_at"))
    sessions.filter(second_factor=True).update(amr="pwd mfa", acr="aal2")


class Migration(migrations.Migration):
    dependencies = [("sessions_tracking", "0001_baseline")]

    operations = [
        migrations.AddField("session", "amr", models.CharField(db_default="pwd", default="pwd", max_length=64)),
        migrations.AddField("session", "acr", models.CharField(db_default="aal1", default="aal1", max_length=4)),
        migrations.AddField(
            "session", "authenticated_at", models.DateTimeField(db_default=Now(), default=current_second)
        ),
        migrations.AddField("session", "persistent", models.BooleanField(db_default=True, default=True)),
        migrations.RunPython(record_what_is_known, migrations.RunPython.noop),
        migrations.AlterField("session", "second_factor", models.BooleanField(db_default=False, default=False)),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("session", "second_factor")]),
    ]
