"""Celery's beat with a watchdog: its process exits if it publishes nothing although the broker is available.

Its supervisor then restarts it. An unavailable broker is no reason to exit: a new process could not publish either.
"""

import logging
import os
import sys
import threading
from contextlib import suppress
from functools import cached_property
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from celery.signals import beat_embedded_init
from django.conf import settings

from core.task_queue.broker_health import check_broker

logger = logging.getLogger(__name__)

_CHECKS = 10
_MAX_DESCRIPTOR = 4096


class Watchdog:
    """Beat calls `record_progress`; a thread counts the checks without progress.

    It counts checks instead of seconds, because a process that was paused has made no progress and is not hung.
    """

    def __init__(self, seconds: float) -> None:
        self.is_embedded = False
        self._pause = seconds / _CHECKS
        self._progressed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, schedule: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(schedule,), name="beat-watchdog", daemon=True)
            self._thread.start()

    def record_progress(self) -> None:
        self._progressed.set()

    def _run(self, schedule: str) -> None:
        pause, idle_checks = threading.Event(), 0
        while True:
            pause.wait(self._pause)
            idle_checks = 0 if self._progressed.is_set() else idle_checks + 1
            self._progressed.clear()
            # Checked twice: beat may not have published yet since the broker became available again.
            if idle_checks in {_CHECKS // 2, _CHECKS} and check_broker() != "ok":
                idle_checks = 0
            if idle_checks >= _CHECKS:
                self._end(schedule)

    def _end(self, schedule: str) -> None:
        """Exit at once: a hung process cannot stop gracefully."""
        logger.critical("beat publishes nothing although the broker is available; exiting to be restarted")
        if not self.is_embedded:
            os._exit(1)
        # Nothing restarts a beat inside `celery worker --beat`, so replace the process with a new beat of the same pid.
        os.closerange(3, _MAX_DESCRIPTOR)
        os.environ[_EMBEDDED] = "1"
        options = ["--loglevel", "warning", "--schedule", schedule, "--pidfile", ""]
        os.execv(sys.executable, [sys.executable, "-m", "celery", "--quiet", "-A", settings.BEAT_APP, "beat", *options])


# Set for a beat that was embedded in a worker and has become a process of its own.
_EMBEDDED = "VESTIBULE_EMBEDDED_BEAT"
_watchdog = Watchdog(settings.BEAT_STALLED_SECONDS)
_watchdog.is_embedded = _EMBEDDED in os.environ


@beat_embedded_init.connect
def _set_embedded(**_kwargs: Any) -> None:
    _watchdog.is_embedded = True


class WatchedScheduler(PersistentScheduler):
    """Closes the connection after a failed publication, so that the next one connects again."""

    _is_failing = False

    def tick(self, *args: Any, **kwargs: Any) -> float:
        _watchdog.start(str(self.schedule_filename))  # type: ignore[attr-defined]
        delay: float = super().tick(*args, **kwargs)
        if not self._is_failing:
            _watchdog.record_progress()
        return delay

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # noqa: BLE001 - each transport has errors of its own
            self._is_failing = True
            logger.error("beat could not publish %s: %s", entry.name, type(error.__context__ or error).__name__)  # noqa: TRY400
            self._disconnect()
        else:
            self._is_failing = False

    def _disconnect(self) -> None:
        self.__dict__.pop("producer", None)
        connection = self.__dict__.pop("connection", None)
        if connection is not None:
            with suppress(Exception):
                connection.release()

    @cached_property
    def producer(self) -> Any:
        """Celery's own property blocks while the broker is unavailable, with pauses of up to half a minute."""
        return self.Producer(self.connection, auto_declare=False)  # type: ignore[attr-defined]
