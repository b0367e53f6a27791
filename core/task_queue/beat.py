"""Celery's beat, with a watch over itself: where it no longer publishes although the broker answers, its process ends.

Whatever supervises it starts it again. A broker that is away is no reason to end: a new process could not publish either.
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


class Watch:
    """`has_progressed` is called by beat, `_run` counts checks without progress.

    It counts checks and not seconds, because a process that was paused has made no progress and is not hung.
    """

    def __init__(self, seconds: float) -> None:
        self.is_embedded = False
        self._pause = seconds / _CHECKS
        self._progressed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, schedule: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(schedule,), name="beat-watch", daemon=True)
            self._thread.start()

    def has_progressed(self) -> None:
        self._progressed.set()

    def _run(self, schedule: str) -> None:
        pause, idle_checks = threading.Event(), 0
        while True:
            pause.wait(self._pause)
            idle_checks = 0 if self._progressed.is_set() else idle_checks + 1
            self._progressed.clear()
            # Twice, since a broker that answers only now has had no time to take anything.
            if idle_checks in {_CHECKS // 2, _CHECKS} and check_broker() != "ok":
                idle_checks = 0
            if idle_checks >= _CHECKS:
                self._end(schedule)

    def _end(self, schedule: str) -> None:
        """At once: a process that hangs cannot be asked to stop."""
        logger.critical("beat publishes nothing although the broker answers; it ends, to be started again")
        if not self.is_embedded:
            os._exit(1)
        # Inside `celery worker --beat` nothing starts it again, so it becomes a new beat with the same process id.
        os.closerange(3, _MAX_DESCRIPTOR)
        os.environ[_EMBEDDED] = "1"
        options = ["--loglevel", "warning", "--schedule", schedule, "--pidfile", ""]
        os.execv(sys.executable, [sys.executable, "-m", "celery", "--quiet", "-A", settings.BEAT_APP, "beat", *options])


# In the environment of a beat that was embedded in a worker before it became a process of its own.
_EMBEDDED = "VESTIBULE_EMBEDDED_BEAT"
_watch = Watch(settings.BEAT_STALLED_SECONDS)
_watch.is_embedded = _EMBEDDED in os.environ


@beat_embedded_init.connect
def _note_embedding(**_about_it: Any) -> None:
    _watch.is_embedded = True


class WatchedScheduler(PersistentScheduler):
    """Each publication that fails closes the connection, so that the next one looks for the broker anew."""

    _is_failing = False

    def tick(self, *args: Any, **kwargs: Any) -> float:
        _watch.start(str(self.schedule_filename))  # type: ignore[attr-defined]
        delay: float = super().tick(*args, **kwargs)
        if not self._is_failing:
            _watch.has_progressed()
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
        """Celery's own waits here for a broker that is away, with pauses of up to half a minute."""
        return self.Producer(self.connection, auto_declare=False)  # type: ignore[attr-defined]
