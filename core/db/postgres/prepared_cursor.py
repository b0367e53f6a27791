"""A cursor for statements that are asked again and again: the server parses and plans them once for each connection.

Django's own puts the values into the text, so that the server plans each statement anew, which takes it longer than to answer.
"""

from datetime import UTC
from typing import Any

import psycopg
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

# As Django reads values, but for times: psycopg's own loader is compiled, and all connections speak UTC.
_adapters = AdaptersMap(get_adapters_template(True, UTC))  # noqa: FBT003 - Django's signature
_adapters.register_loader("timestamptz", TimestamptzLoader)


class PreparedCursor(psycopg.Cursor[Any]):
    """Prepares what it executes, unless the connection's `prepare_threshold` is None."""

    @property
    def adapters(self) -> AdaptersMap:
        return _adapters
