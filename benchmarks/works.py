"""The kinds of work that are measured, and the requests of each."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.contender import Contender, Tokens
from benchmarks.load.plan import CONNECTIONS, Plan, Request
from benchmarks.server import USERS, Server

_ONCE = 20 * CONNECTIONS
_new_users = itertools.count(1, 1_000_000)  # more than any run registers


class WorkKind(StrEnum):
    """Reads compute; writes wait for a durable commit or for a hash."""

    READS = "reads"
    WRITES = "writes"


@dataclass(frozen=True)
class Work:
    """`get_request` returns the contender's request, or None if it has none."""

    name: str
    title: str
    get_request: Callable[[Contender], Request | None]
    kind: WorkKind = WorkKind.WRITES

    @contextmanager
    def planned(self, server: Server) -> Iterator[Plan]:
        """Yield the plan of one load, and sign its users out afterwards, so that each load finds the same state."""
        if server.contender.login is None or self.name in {"login", "register"}:
            yield self._plan(server.contender, [])
            return
        signed_in = [server.sign_in(number) for number in self._users()]
        yield self._plan(server.contender, signed_in)
        if self.name != "logout":
            for tokens in signed_in:
                server.sign_out(tokens)

    def _users(self) -> range | list[int]:
        """The first 16 users have one session each, and only during a load."""
        if self.name != "logout":
            return range(CONNECTIONS)
        return [CONNECTIONS + number % (USERS - CONNECTIONS) for number in range(_ONCE)]

    def _plan(self, contender: Contender, signed_in: list[Tokens]) -> Plan:
        request = self.get_request(contender)
        assert request is not None  # noqa: S101 - called only if the contender has the request
        access, refresh = (tuple(getattr(pair, kind) for pair in signed_in) for kind in ("access", "refresh"))
        if self.name == "refresh":
            return Plan(request, f'"{contender.refresh_token}"', tokens=refresh, next_token=contender.refresh_token)
        if self.name == "login":
            return Plan(request, f'"{contender.access}"', first=CONNECTIONS, wraps=USERS - CONNECTIONS)
        if self.name == "register":
            return Plan(request, contender.expected_registration, first=next(_new_users))
        if self.name == "logout":
            return Plan(request, "", tokens=access, others=refresh, once=True, status=contender.logout_status)
        return Plan(request, contender.expected_me if self.name == "me" else '"success":true', tokens=access)


WORKS = (
    Work("me", "Current user (`me`)", lambda contender: contender.me, WorkKind.READS),
    Work(
        "forward_auth",
        "Forward auth (`forward-auth`)",
        lambda contender: contender.forward_auth,
        WorkKind.READS,
    ),
    Work("refresh", "Refresh", lambda contender: contender.refresh),
    Work("login", "Login", lambda contender: contender.login),
    Work("register", "Register", lambda contender: contender.register),
    Work("logout", "Logout", lambda contender: contender.logout),
)
