"""People who use the API while something breaks, and what they saw: each in a thread of their own, at an even pace."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from accounts.testing.cast import Tokens, log_in, me, refresh, signed_in, someone, tokens_of
from core.testing.live_server import ApiRequest, ApiResponse, LiveServer


@dataclass
class Traffic:
    """`seen` is what the signed-in were answered, `refused` what those were who had signed out; seconds go with each."""

    pace: float
    seen: list[tuple[str, int, float]] = field(default_factory=list)
    refused: list[tuple[str, float]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def slow_tail(self) -> float:
        """Nineteen of twenty requests took no longer."""
        seconds = sorted([one[2] for one in self.seen] + [one[1] for one in self.refused])
        return seconds[int(len(seconds) * 0.95)]

    def use(self, nodes: Sequence[LiveServer], user: User, live: Tokens, dead: Tokens) -> None:
        """/me, /refresh and /login by turns, on each node by turns, and between them the token of before the logout."""
        try:
            for turn, node in enumerate(itertools.cycle(nodes)):
                if self.is_over.is_set():
                    return
                ask = (me(live.access), refresh(live.refresh), me(live.access), log_in(user))[turn // 2 % 4]
                reply = self._note(node, ask)
                if ask.path == "/refresh":
                    live = tokens_of(reply)
                self._note_dead(node, dead)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is told by the test
            self.failures.append(error)

    def _note(self, node: LiveServer, ask: ApiRequest) -> ApiResponse:
        reply, seconds = _measured(node, ask)
        self.seen.append((ask.path, reply.status, seconds))
        time.sleep(self.pace)
        return reply

    def _note_dead(self, node: LiveServer, dead: Tokens) -> None:
        reply, seconds = _measured(node, me(dead.access))
        self.refused.append((reply.code, seconds))
        time.sleep(self.pace)


def _measured(node: LiveServer, ask: ApiRequest) -> tuple[ApiResponse, float]:
    started = time.monotonic()
    reply = node.send(ask)
    return reply, time.monotonic() - started


@contextmanager
def of(people: int, nodes: Sequence[LiveServer], *, a_second: float) -> Iterator[Traffic]:
    """So many people, so many requests a second in all. Afterwards everybody must have been served."""
    traffic = Traffic(pace=people / a_second)
    threads = [threading.Thread(target=traffic.use, args=(nodes, *_somebody(nodes[0]))) for _ in range(people)]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.is_over.set()
        for thread in threads:
            thread.join()
    assert not traffic.failures, traffic.failures
    assert {status for _path, status, _seconds in traffic.seen} == {200}
    assert {code for code, _seconds in traffic.refused} == {"session_revoked"}


def _somebody(node: LiveServer) -> tuple[Any, Tokens, Tokens]:
    user = someone()
    live, dead = signed_in(node, user), signed_in(node, user)
    assert node.send(me(dead.access)).status == 200
    assert node.send(ApiRequest("POST", "/logout", token=dead.access)).status == 200
    return user, live, dead
