"""Runs granian with shared code preloaded before the web processes are forked, so that they share its memory.

Preloaded are libraries, settings and stateless objects. Each web process opens connections and starts threads itself.
"""

import atexit
import gc
import os
import signal
from importlib import import_module

from django.conf import settings
from django.utils.module_loading import import_string
from granian.cli import entrypoint

# Libraries that can be imported before Django's apps are loaded.
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
    "webauthn",
)
_WAKE_SECONDS = 1.0


def main() -> None:
    for library in _LIBRARIES:
        import_module(library)
    for name in settings.PRELOAD_BEFORE_FORK:
        import_string(name)()
    gc.collect()
    gc.freeze()  # the collector writes to each object that it visits, and so would copy the shared pages
    _start_wake_timer()
    os.register_at_fork(after_in_child=_reset_signals_in_child)
    atexit.register(_stop_wake_timer)
    entrypoint()  # type: ignore[no-untyped-call]


def _reset_signals_in_child() -> None:
    """Let SIGTERM end a child that has not installed its own handler yet; the inherited one does nothing there.

    The child needs no timer: every signal wakes its event loop.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _start_wake_timer() -> None:
    """Send the main process a signal every second, so that it notices a SIGTERM.

    Granian's main process waits for a lock, and Python runs signal handlers only after the wait. Without the timer, a
    SIGTERM that arrives just before the wait, or in another thread, would stay unnoticed until the next signal.
    """
    signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, _WAKE_SECONDS, _WAKE_SECONDS)


def _stop_wake_timer() -> None:
    """Stop the timer: Python removes its handlers at exit, and another SIGALRM would kill the process."""
    signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main()
