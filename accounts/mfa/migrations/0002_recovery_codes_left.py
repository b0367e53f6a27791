"""Fill `User.recovery_codes_left` for the users who have recovery codes."""

from typing import Any

from django.db import migrations
from django.db.models import Count, Q


def count_codes(apps: Any, schema_editor: Any) -> None:
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    left = Count("recovery_codes", filter=Q(recovery_codes__used_at=None))
    for user_id, count in users.filter(mfa_enabled=True).annotate(left=left).values_list("id", "left").iterator():
        users.filter(id=user_id).update(recovery_codes_left=count)


class Migration(migrations.Migration):
    dependencies = [("mfa", "0001_baseline"), ("accounts", "0002_authentication_context")]

    operations = [migrations.RunPython(count_codes, migrations.RunPython.noop)]
