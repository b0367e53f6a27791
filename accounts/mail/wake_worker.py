"""Wakes the worker from a background thread when an email is queued: no request ever waits for the broker."""

import logging
import threading
import time

from celery import current_app
from django.conf import settings

logger = logging.getLogger(__name__)

TASK = "accounts.deliver_outbox"
_MIN_INTERVAL_SECONDS = 0.1

_requested = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def wake_worker() -> None:
    """Return at once and never fail. If a wake-up is lost, the sweep of beat finds the email a few seconds later."""
    if settings.WAKE_WORKER_ON_COMMIT:
        _requested.set()
        _ensure_thread()


def _ensure_thread() -> None:
    """Start the thread on first use, since a thread does not survive the fork of a web worker."""
    global _thread  # noqa: PLW0603 - one thread per process, kept here
    if _thread is not None and _thread.is_alive():
        return
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="wake-worker", daemon=True)
            _thread.start()


def _run() -> None:
    """Merge the wake-ups of a tenth of a second into one task.

    One task per email takes a tenth of the time of a process with hundreds of registrations a second, and Celery keeps a timer
    for each task until its time limit.
    """
    while True:
        _requested.wait()
        _requested.clear()
        try:
            current_app.send_task(TASK, expires=60)
        except Exception as error:  # noqa: BLE001 - whatever the broker raises, the sweep does the same work
            logger.info("could not wake the worker: %s", type(error).__name__)
        time.sleep(_MIN_INTERVAL_SECONDS)
