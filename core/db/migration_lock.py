"""A lock for migrations: one process migrates at a time, and the others wait for it for a bounded time."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper

# Arbitrary, but the same in all processes of the project.
LOCK_ID = 0x5645_5354
_PAUSE_SECONDS = 0.25
_HOLDERS = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

Notify = Callable[[str], None]


@contextmanager
def held(connection: BaseDatabaseWrapper, *, seconds: float, notify: Notify) -> Iterator[None]:
    """Raises CommandError after `seconds` of waiting. Calls `notify` once if it has to wait."""
    if connection.vendor == "postgresql":
        with closing(connection.copy()) as own, _held_in_postgres(own, seconds=seconds, notify=notify):
            yield
        return
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or "mode=memory" in name:
        yield
        return
    with Path(f"{name}.migrate-lock").open("w", encoding="utf-8") as file:
        _wait(lambda: _try_lock_file(file.fileno()), seconds=seconds, notify=notify, holder=lambda: "another process")
        yield


@contextmanager
def _held_in_postgres(own: BaseDatabaseWrapper, *, seconds: float, notify: Notify) -> Iterator[None]:
    """Hold an advisory lock of a transaction, on its own connection, which stays open until the migrations are done.

    A pooler keeps a transaction on one server connection; a session lock would stay behind on that connection for ever.
    Waiting polls: a blocking statement would hold a snapshot, for which CREATE INDEX CONCURRENTLY waits.
    """
    own.ensure_connection()
    own.set_autocommit(False)
    try:
        _wait(lambda: _try_lock_postgres(own), seconds=seconds, notify=notify, holder=lambda: _describe_holder(own))
        yield
    finally:
        own.close()  # ends the transaction and so the lock


def _try_lock_postgres(own: BaseDatabaseWrapper) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_ID])
        is_locked = bool(cursor.fetchone()[0])
        if is_locked:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    if not is_locked:
        own.rollback()
    return is_locked


def _describe_holder(own: BaseDatabaseWrapper) -> str:
    with own.cursor() as cursor:
        cursor.execute(_HOLDERS, [LOCK_ID])
        row = cursor.fetchone()
    return f"the process {row[0]} of the database server (see pg_stat_activity)" if row else "another process"


def _try_lock_file(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(try_lock: Callable[[], bool], *, seconds: float, notify: Notify, holder: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    is_first = True
    while not try_lock():
        if is_first:
            notify(f"Another process is migrating this database; waiting for it, at most {seconds:g} seconds.")
        is_first = False
        if time.monotonic() >= deadline:
            raise CommandError(
                f"The database is locked for migration by {holder()}, for more than {seconds:g} seconds. "
                "Nothing was migrated. If that process is not migrating, end it and try again."
            )
        time.sleep(min(_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
