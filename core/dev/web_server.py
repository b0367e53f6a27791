"""Granian, with what its web processes have in common loaded before they part from it, so that they share its memory.

Libraries, settings, and of ours what holds no state: whatever opens a connection or starts a thread is theirs.
"""

import atexit
import gc
import os
import signal
from importlib import import_module

from django.conf import settings
from django.utils.module_loading import import_string
from granian.cli import entrypoint

# What wants no app to be there.
_LIBRARIES = (
    "celery.app.amqp",
    "cryptography.x509",
    "django.core.mail",
    "django.db.models",
    "django.forms",
    "django.template",
    "django.views.generic",
    "jwt",
    "kombu.transport.redis",
    "psycopg",
    "redis",
    "uvloop",
)
_WAKE_SECONDS = 1.0


def main() -> None:
    for library in _LIBRARIES:
        import_module(library)
    for name in settings.SHARED_BY_WEB_PROCESSES:
        import_string(name)()
    gc.collect()
    gc.freeze()  # the collector would write to each object that it looks at, and so part it from the others' copy
    _wake_now_and_then()
    os.register_at_fork(after_in_child=_begin_as_a_child)
    atexit.register(_wake_no_more)
    entrypoint()  # type: ignore[no-untyped-call]


def _begin_as_a_child() -> None:
    """Until Granian has set the child's own handler, a SIGTERM would go to the parent's, which ends nothing here.

    The child needs no timer: its event loop is woken by every signal.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _wake_now_and_then() -> None:
    """Granian's main process waits for a lock, which a signal interrupts, but Python's handler runs after the wait alone.

    A SIGTERM that comes a moment before the wait, or to another thread, would be noticed at the next signal only: here is one.
    """
    signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, _WAKE_SECONDS, _WAKE_SECONDS)


def _wake_no_more() -> None:
    """Python takes its handlers back at its end, and one more signal would then kill the process instead of waking it."""
    signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
