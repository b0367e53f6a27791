"""A question about something that may hang, asked so that whoever wants the answer never hangs with it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connection

T = TypeVar("T")


class Probe(Generic[T]):
    """Asks in a thread of its own and waits CHECK_SECONDS for it; then the answer is `away`.

    Whoever comes while a question is under way waits for that one, so however long it hangs there is one such thread.
    """

    def __init__(self, question: Callable[[], T], *, away: T) -> None:
        self._question = question
        self._away = away
        self._lock = threading.Lock()
        self._under_way: Future[T] | None = None

    def answer(self) -> T:
        if settings.CHECK_SECONDS is None:
            return self._question()
        try:
            return self._ask().result(timeout=settings.CHECK_SECONDS)
        except (TookTooLong, RuntimeError):  # or there are no more threads
            return self._away

    def _ask(self) -> Future[T]:
        with self._lock:
            if self._under_way is None or self._under_way.done():
                future: Future[T] = Future()
                threading.Thread(target=self._run, args=(future,), daemon=True).start()
                self._under_way = future
            return self._under_way

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._question())
        except Exception:  # noqa: BLE001 - whatever it is, it did not answer
            future.set_result(self._away)
        finally:
            connection.close()
