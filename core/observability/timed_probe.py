"""Checks a dependency that may hang, without letting its callers hang."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connection

T = TypeVar("T")


class Probe(Generic[T]):
    """Runs `check` in its own thread and waits HEALTH_CHECK_TIMEOUT for it; after that the result is `unavailable`.

    Callers that come while a check is running wait for that one, so a check that hangs occupies a single thread.
    """

    def __init__(self, check: Callable[[], T], *, unavailable: T) -> None:
        self._check = check
        self._unavailable = unavailable
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def result(self) -> T:
        if settings.HEALTH_CHECK_TIMEOUT is None:
            return self._check()
        try:
            return self._start().result(timeout=settings.HEALTH_CHECK_TIMEOUT)
        except (FutureTimeoutError, RuntimeError):  # RuntimeError: no more threads
            return self._unavailable

    def _start(self) -> Future[T]:
        with self._lock:
            if self._running is None or self._running.done():
                future: Future[T] = Future()
                threading.Thread(target=self._run, args=(future,), daemon=True).start()
                self._running = future
            return self._running

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._check())
        except Exception:  # noqa: BLE001 - any failure means that the dependency did not respond
            future.set_result(self._unavailable)
        finally:
            connection.close()
