"""A cursor for frequent statements: the server parses and plans them once per connection.

Django's own cursor inserts the values into the SQL, so that the server plans each execution, which takes it longer than
to run the statement.
"""

from datetime import UTC
from typing import Any

import psycopg
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

# Django's adapters, except for timestamps: psycopg's own loader is compiled, and all connections use UTC.
_adapters = AdaptersMap(get_adapters_template(True, UTC))  # noqa: FBT003 - Django's signature
_adapters.register_loader("timestamptz", TimestamptzLoader)


class PreparedCursor(psycopg.Cursor[Any]):
    """Prepares the statements that it executes, unless the connection's `prepare_threshold` is None."""

    @property
    def adapters(self) -> AdaptersMap:
        return _adapters
