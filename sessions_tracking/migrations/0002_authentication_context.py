"""Add how and when the user of a session authenticated; `0003_known_contexts` fills it in for existing sessions.

Until then they count as authenticated long ago, so that none of them passes for a recent proof. New rows of processes of
the former version, which do not know the columns, get the time of their sign-in.
"""

from datetime import UTC, datetime

from django.db import migrations, models
from django.db.models.functions import Now

from sessions_tracking.authentication_context import current_second

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class Migration(migrations.Migration):
    dependencies = [("sessions_tracking", "0001_baseline")]

    operations = [
        migrations.AddField("session", "amr", models.CharField(db_default="pwd", default="pwd", max_length=64)),
        migrations.AddField("session", "acr", models.CharField(db_default="aal1", default="aal1", max_length=4)),
        migrations.AddField(
            "session", "authenticated_at", models.DateTimeField(db_default=_UNKNOWN, default=current_second)
        ),
        migrations.AlterField(
            "session", "authenticated_at", models.DateTimeField(db_default=Now(), default=current_second)
        ),
        migrations.AddField("session", "persistent", models.BooleanField(db_default=True, default=True)),
        migrations.AlterField("session", "second_factor", models.BooleanField(db_default=False, default=False)),
    ]
