"""The backend: what Django's own does, except that closing a connection keeps it, and that nobody waits for one.

A pool that opens connections in threads of its own lets each request wait for a database that is away, and looks for it
ever more seldom. Here the request itself connects: it fails at once, and works again with the first one that can. How many
connections there are at most follows from how many requests a process works on at once (WEB_THREADS).
"""

import os
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import IsolationLevel

from config.postgres.idle import IdleConnections

_idle = IdleConnections()


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS["keep"]` is how many connections stay open between requests; none without it."""

    _made_in: int | None = None

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("keep", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._made_in = os.getpid()
        kept = _idle.take(self._address()) if self._most_kept() else None
        if kept is None:
            return super().get_new_connection(conn_params)
        self.isolation_level = kept.isolation_level or IsolationLevel.READ_COMMITTED
        return kept

    def _close(self) -> None:
        if not self._keep():
            super()._close()  # type: ignore[misc]

    def _keep(self) -> bool:
        most = self._most_kept()
        # A thread that forked left its connection to both processes.
        if not most or self.connection is None or self._made_in != os.getpid():
            return False
        return _idle.put(self._address(), self.connection, most=most)

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
        return tuple(str(self.settings_dict[part]) for part in ("HOST", "PORT", "NAME", "USER", "OPTIONS"))
