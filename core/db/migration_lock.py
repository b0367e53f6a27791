"""One process migrates at a time. The others wait for it, for a bounded time, and say so."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper

# Any number will do, as long as all processes of the project use the same one.
LOCK_ID = 0x5645_5354
_PAUSE_SECONDS = 0.25
_HOLDERS = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

Say = Callable[[str], None]


@contextmanager
def held(connection: BaseDatabaseWrapper, *, seconds: float, say: Say) -> Iterator[None]:
    """Raises CommandError after `seconds` of waiting. `say` is told once that there is something to wait for."""
    if connection.vendor == "postgresql":
        with closing(connection.copy()) as own, _in_postgres(own, seconds=seconds, say=say):
            yield
        return
    name = str(connection.settings_dict["NAME"])
    if name == ":memory:" or "mode=memory" in name:
        yield
        return
    with Path(f"{name}.migrate-lock").open("w") as file:
        _wait(lambda: _has_locked(file.fileno()), seconds=seconds, say=say, holder=lambda: "another process")
        yield


@contextmanager
def _in_postgres(own: BaseDatabaseWrapper, *, seconds: float, say: Say) -> Iterator[None]:
    """The lock of a transaction, on a connection of its own, which stays open until the migrations are done.

    A pooler keeps a transaction on one connection of the server. The lock of a session would stay behind on that connection,
    which nobody would ever unlock. Who waits asks again and again: a statement that waits holds a snapshot, and an index that
    is built concurrently waits for it.
    """
    own.ensure_connection()
    own.set_autocommit(False)
    try:
        _wait(lambda: _has_locked_in(own), seconds=seconds, say=say, holder=lambda: _holder(own))
        yield
    finally:
        own.close()  # which ends the transaction, and the lock with it


def _has_locked_in(own: BaseDatabaseWrapper) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_ID])
        found = bool(cursor.fetchone()[0])
        if found:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    if not found:
        own.rollback()
    return found


def _holder(own: BaseDatabaseWrapper) -> str:
    with own.cursor() as cursor:
        cursor.execute(_HOLDERS, [LOCK_ID])
        row = cursor.fetchone()
    return f"the process {row[0]} of the database server (see pg_stat_activity)" if row else "another process"


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(has_locked: Callable[[], bool], *, seconds: float, say: Say, holder: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    is_first = True
    while not has_locked():
        if is_first:
            say(f"Another process migrates this database; waiting for it, at most {seconds:g} seconds.")
        is_first = False
        if time.monotonic() >= deadline:
            raise CommandError(
                f"The database is locked for migration by {holder()}, for more than {seconds:g} seconds. "
                "Nothing was migrated. If nobody migrates, end that process and try again."
            )
        time.sleep(min(_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
