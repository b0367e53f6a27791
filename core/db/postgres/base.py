"""Django's PostgreSQL backend with connections that are reused between requests: docs/decisions/0005-postgresql-backend.md.

A request that finds no idle connection opens one itself, so that it fails at once while the database is down and works with
the first connection that succeeds. WEB_THREADS bounds the number of connections.
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
        """psycopg keeps no text of a prepared statement: return its SQL without the values."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS["max_idle"]` is how many connections stay open between requests; by default none."""

    ops_class = DatabaseOperations
    _opened_by_pid: int | None = None
    _is_reused = False
    _is_demoted = False

    @cached_property
    def wrap_database_errors(self) -> ErrorWrapper:
        return ErrorWrapper(self)

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("max_idle", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._opened_by_pid = os.getpid()
        self._is_demoted = False
        idle = _idle.take(self._pool_key()) if self._max_idle() else None
        self._is_reused = idle is not None
        if idle is None:
            return super().get_new_connection(conn_params)
        self.isolation_level = idle.isolation_level or IsolationLevel.READ_COMMITTED
        return idle

    def init_connection_state(self) -> None:
        """A reused connection still has its time zone, role and adapters."""
        if not self._is_reused:
            super().init_connection_state()

    def _close(self) -> None:
        if not self._return_to_idle():
            super()._close()  # type: ignore[misc]

    def is_usable(self) -> bool:
        """Django calls this only after an error. A new connection is safer then: prepared plans may no longer fit."""
        return False

    def _return_to_idle(self) -> bool:
        max_idle = self._max_idle()
        is_broken = self.errors_occurred or self._is_demoted
        # After a fork, both processes have the connection.
        if not max_idle or self.connection is None or is_broken or self._opened_by_pid != os.getpid():
            return False
        return _idle.put(self._pool_key(), self.connection, max_idle=max_idle)

    def discard_connections(self) -> None:
        """Close this connection at the end of the request, and the idle ones now: they lead to a demoted server.

        `errors_occurred` would not do, because Django resets it with the rollback.
        """
        self._is_demoted = True
        _idle.close(self._pool_key())

    def prepared_cursor(self) -> Any:
        """Like `cursor()`; see PreparedCursor."""
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(PreparedCursor(self.connection))  # type: ignore[attr-defined]

    def close_pool(self) -> None:
        """Django calls this before it drops or clones a database."""
        super().close_pool()
        _idle.close(self._pool_key())

    def _max_idle(self) -> int:
        if self.alias == NO_DB_ALIAS or self.pool:
            return 0
        return int(self.settings_dict["OPTIONS"].get("max_idle", 0))

    def _pool_key(self) -> tuple[str, ...]:
        """Wrappers with the same key share connections."""
        settings = self.settings_dict
        server = str(settings["HOST"]), str(settings["PORT"]), str(settings["NAME"]), str(settings["USER"])
        return *server, _options_text(settings["OPTIONS"])


_texts: dict[int, tuple[dict[str, Any], str]] = {}


def _options_text(options: dict[str, Any]) -> str:
    """Return `str(options)` from a cache: all threads share the options, and need it twice per request."""
    cached = _texts.get(id(options))
    if cached is None:
        cached = _texts[id(options)] = options, str(options)  # keeps a reference, so that the id stays unique
    return cached[1]
