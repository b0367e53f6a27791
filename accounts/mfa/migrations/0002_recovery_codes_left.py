"""Fill `User.recovery_codes_left` for the users who have recovery codes."""

from typing import Any

from django.db import migrations
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce


def count_codes(apps: Any, schema_editor: Any) -> None:
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    unused = apps.get_model("mfa", "RecoveryCode").objects.filter(user_id=OuterRef("pk"), used_at=None)
    left = unused.order_by().values("user_id").annotate(count=Count("id")).values("count")
    users.filter(mfa_enabled=True).update(recovery_codes_left=Coalesce(Subquery(left), 0))


class Migration(migrations.Migration):
    dependencies = [("mfa", "0001_baseline"), ("accounts", "0002_authentication_context")]

    operations = [migrations.RunPython(count_codes, migrations.RunPython.noop)]
