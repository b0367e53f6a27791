"""The backend: what Django's own does, except that closing a connection keeps it, and that nobody waits for one.

A pool that opens connections in threads of its own lets each request wait for a database that is away, and looks for it
ever more seldom. Here the request itself connects: it fails at once, and works again with the first one that can. How many
connections there are at most follows from how many requests a process works on at once (WEB_THREADS).
"""

import os
from functools import cached_property
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base, operations
from psycopg import IsolationLevel

from core.db.postgres.errors import ErrorWrapper
from core.db.postgres.idle import IdleConnections
from core.db.postgres.prepared_cursor import PreparedCursor

_idle = IdleConnections()


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """psycopg does not tell what a prepared statement was, so that is its text without the values."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS["keep"]` is how many connections stay open between requests; none without it."""

    ops_class = DatabaseOperations
    _made_in: int | None = None
    _is_known = False
    _is_demoted = False

    @cached_property
    def wrap_database_errors(self) -> ErrorWrapper:
        return ErrorWrapper(self)

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("keep", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._made_in = os.getpid()
        self._is_demoted = False
        kept = _idle.take(self._address()) if self._most_kept() else None
        self._is_known = kept is not None
        if kept is None:
            return super().get_new_connection(conn_params)
        self.isolation_level = kept.isolation_level or IsolationLevel.READ_COMMITTED
        return kept

    def init_connection_state(self) -> None:
        """Time zone, role and adapters of a connection that was kept are what they were made."""
        if not self._is_known:
            super().init_connection_state()

    def _close(self) -> None:
        if not self._keep():
            super()._close()  # type: ignore[misc]

    def is_usable(self) -> bool:
        """Asked after an error alone, and then a new one is better: what it has prepared may no longer fit the tables."""
        return False

    def _keep(self) -> bool:
        most = self._most_kept()
        # A thread that forked left its connection to both processes.
        is_broken = self.errors_occurred or self._is_demoted
        if not most or self.connection is None or is_broken or self._made_in != os.getpid():
            return False
        return _idle.put(self._address(), self.connection, most=most)

    def keep_no_connection(self) -> None:
        """The server was demoted: this connection and the idle ones lead to it, and the next request needs another one.

        `errors_occurred` would not do, since Django forgets it with the rollback.
        """
        self._is_demoted = True
        _idle.close(self._address())

    def prepared_cursor(self) -> Any:
        """As `cursor()`, see PreparedCursor."""
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(PreparedCursor(self.connection))  # type: ignore[attr-defined]

    def close_pool(self) -> None:
        """Django's own name for it: it asks for this before it drops a database, or copies one."""
        super().close_pool()
        _idle.close(self._address())

    def _most_kept(self) -> int:
        if self.alias == NO_DB_ALIAS or self.pool:
            return 0
        return int(self.settings_dict["OPTIONS"].get("keep", 0))

    def _address(self) -> tuple[str, ...]:
        """What two settings must have in common to share connections."""
        settings = self.settings_dict
        server = str(settings["HOST"]), str(settings["PORT"]), str(settings["NAME"]), str(settings["USER"])
        return *server, _text_of(settings["OPTIONS"])


_texts: dict[int, tuple[dict[str, Any], str]] = {}


def _text_of(options: dict[str, Any]) -> str:
    """Made once: all threads share the settings, and ask at the beginning and at the end of each request."""
    known = _texts.get(id(options))
    if known is None:
        known = _texts[id(options)] = options, str(options)  # kept, so that no other can have this id
    return known[1]
