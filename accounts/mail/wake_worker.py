"""Tells the worker that an email waits, from a thread of its own: no request ever waits for the broker."""

import logging
import threading
import time

from celery import current_app
from django.conf import settings

logger = logging.getLogger(__name__)

TASK = "accounts.deliver_outbox"
_PAUSE_SECONDS = 0.1

_wanted = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def nudge() -> None:
    """Never waits and never fails. What a lost nudge misses, the sweep of beat finds a few seconds later."""
    if settings.WAKE_WORKER_ON_COMMIT:
        _wanted.set()
        _ensure_thread()


def _ensure_thread() -> None:
    """Started on first use, since a thread does not survive the fork of a server's worker."""
    global _thread  # noqa: PLW0603 - one thread a process, and this is where it is kept
    if _thread is not None and _thread.is_alive():
        return
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="outbox-nudge", daemon=True)
            _thread.start()


def _run() -> None:
    """Many nudges within a moment become one: to send each costs a process that registers hundreds a second a tenth of its time,
    and Celery keeps a timer for each task until its time limit.
    """
    while True:
        _wanted.wait()
        _wanted.clear()
        try:
            current_app.send_task(TASK, expires=60)
        except Exception as error:  # noqa: BLE001 - whatever keeps the broker from it, the sweep does the same work
            logger.info("could not nudge the worker: %s", type(error).__name__)
        time.sleep(_PAUSE_SECONDS)
