"""Django's SQLite backend, which creates a missing database readable for its owner only; SQLite itself applies the umask.

The files beside a database (`-wal`, `-shm`, `-journal`) have the permissions of the database.
"""

from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from core.paths import create_private


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        name = str(conn_params["database"])
        if name != ":memory:" and not name.startswith("file:"):
            create_private(Path(name))
        return super().get_new_connection(conn_params)
