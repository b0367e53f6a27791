"""Maps errors of a server that cannot serve this request, though another server may, to OperationalError.

Django would raise InternalError for them.
"""

from types import TracebackType
from typing import Any

from django.db.utils import DatabaseErrorWrapper, OperationalError

# read_only_sql_transaction: the server was demoted to a standby, or an operator or a full disk made it read-only.
# SQLite raises an OperationalError for the same, so one handler covers both.
READ_ONLY = "25006"
_UNAVAILABLE = frozenset(
    {READ_ONLY, "25P03", "25P04"}
)  # the server ended a transaction that waited, or lasted, too long


class ErrorWrapper(DatabaseErrorWrapper):
    wrapper: Any

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        state = getattr(error, "sqlstate", None)
        if error is None or state not in _UNAVAILABLE:
            super().__exit__(kind, error, traceback)
            return
        self.wrapper.errors_occurred = True
        if state == READ_ONLY:
            self.wrapper.discard_connections()
        raise OperationalError(*error.args).with_traceback(traceback) from error
