"""Steady API traffic during a fault: each user in a separate thread, with every response recorded."""

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
    """`responses` holds path, status and seconds with active tokens; `rejections` holds code and seconds with revoked ones."""

    pace: float
    responses: list[tuple[str, int, float]] = field(default_factory=list)
    rejections: list[tuple[str, float]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    is_stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def p95(self) -> float:
        """The 95th percentile of the response times, in seconds."""
        times = sorted(
            [seconds for _path, _status, seconds in self.responses] + [seconds for _code, seconds in self.rejections]
        )
        return times[int(len(times) * 0.95)]

    def use(self, nodes: Sequence[LiveServer], user: User, live: Tokens, revoked: Tokens) -> None:
        """Cycle through /me, /refresh and /login and through the nodes; send the revoked access token after each request."""
        try:
            for turn, node in enumerate(itertools.cycle(nodes)):
                if self.is_stopped.is_set():
                    return
                request = (me(live.access), refresh(live.refresh), me(live.access), log_in(user))[turn // 2 % 4]
                response = self._record(node, request)
                if request.path == "/refresh":
                    live = tokens_of(response)
                self._record_rejection(node, revoked)
        except BaseException as error:  # noqa: BLE001 - `running` reports a thread's failure
            self.failures.append(error)

    def _record(self, node: LiveServer, request: ApiRequest) -> ApiResponse:
        response, seconds = _send_timed(node, request)
        self.responses.append((request.path, response.status, seconds))
        time.sleep(self.pace)
        return response

    def _record_rejection(self, node: LiveServer, revoked: Tokens) -> None:
        response, seconds = _send_timed(node, me(revoked.access))
        self.rejections.append((response.code, seconds))
        time.sleep(self.pace)


def _send_timed(node: LiveServer, request: ApiRequest) -> tuple[ApiResponse, float]:
    started = time.monotonic()
    response = node.send(request)
    return response, time.monotonic() - started


@contextmanager
def running(users: int, nodes: Sequence[LiveServer], *, requests_per_second: float) -> Iterator[Traffic]:
    """Run traffic of `users` in the background, then assert that each request got the right response."""
    traffic = Traffic(pace=users / requests_per_second)
    threads = [threading.Thread(target=traffic.use, args=(nodes, *_new_user(nodes[0]))) for _ in range(users)]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.is_stopped.set()
        for thread in threads:
            thread.join()
    assert not traffic.failures, traffic.failures
    assert {status for _path, status, _seconds in traffic.responses} == {200}
    assert {code for code, _seconds in traffic.rejections} == {"session_revoked"}


def _new_user(node: LiveServer) -> tuple[Any, Tokens, Tokens]:
    user = someone()
    live, revoked = signed_in(node, user), signed_in(node, user)
    assert node.send(me(revoked.access)).status == 200
    assert node.send(ApiRequest("POST", "/logout", token=revoked.access)).status == 200
    return user, live, revoked
