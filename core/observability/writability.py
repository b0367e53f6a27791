"""Whether the database takes writes: after a failover a server may answer every question and refuse every change."""

import os
from pathlib import Path

from django.db import connection


def is_read_only() -> bool:
    """Raises DatabaseError. PostgreSQL reports a standby, and a primary that an operator or a full disk made read-only."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            return bool(cursor.fetchone() == ("on",))
    file = Path(str(connection.settings_dict["NAME"]))
    return file.exists() and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
