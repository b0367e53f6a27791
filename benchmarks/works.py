"""The works that are measured, and what each sends to a server."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.contender import Contender, Tokens
from benchmarks.load.plan import CONNECTIONS, Ask, Plan
from benchmarks.server import USERS, Server

_ONCE = 20 * CONNECTIONS
_new_users = itertools.count(1, 1_000_000)  # so many registrations no run makes


class Kinds(StrEnum):
    """What a server mostly does: compute, or wait for a commit to be on the disk and for a hash."""

    READS = "reads"
    WRITES = "writes"


@dataclass(frozen=True)
class Work:
    """`request_of` is the contender's request, None where it has no such thing."""

    name: str
    title: str
    request_of: Callable[[Contender], Ask | None]
    kind: Kinds = Kinds.WRITES

    @contextmanager
    def planned(self, server: Server) -> Iterator[Plan]:
        """The plan for one run. Who is signed in for it is signed out afterwards, so that each run finds the same."""
        if server.contender.login is None or self.name in {"login", "register"}:
            yield self._plan(server.contender, [])
            return
        signed_in = [server.sign_in(number) for number in self._users()]
        yield self._plan(server.contender, signed_in)
        if self.name != "logout":
            for tokens in signed_in:
                server.sign_out(tokens)

    def _users(self) -> range | list[int]:
        """The first 16 have one session each, and that only while they are needed."""
        if self.name != "logout":
            return range(CONNECTIONS)
        return [CONNECTIONS + number % (USERS - CONNECTIONS) for number in range(_ONCE)]

    def _plan(self, contender: Contender, signed_in: list[Tokens]) -> Plan:
        ask = self.request_of(contender)
        assert ask is not None  # noqa: S101 - who has no such request is not asked
        access, refresh = (tuple(getattr(pair, kind) for pair in signed_in) for kind in ("access", "refresh"))
        if self.name == "refresh":
            return Plan(ask, f'"{contender.refresh_token}"', tokens=refresh, next_token=contender.refresh_token)
        if self.name == "login":
            return Plan(ask, f'"{contender.access}"', first=CONNECTIONS, wraps=USERS - CONNECTIONS)
        if self.name == "register":
            return Plan(ask, contender.says_of_new, first=next(_new_users))
        if self.name == "logout":
            return Plan(ask, "", tokens=access, others=refresh, once=True, status=contender.logout_status)
        return Plan(ask, contender.says if self.name == "me" else '"success":true', tokens=access)


WORKS = (
    Work("me", "Who am I (`me`)", lambda contender: contender.me, Kinds.READS),
    Work("forward_auth", "May they pass (`forward-auth`)", lambda contender: contender.forward_auth, Kinds.READS),
    Work("refresh", "Refresh", lambda contender: contender.refresh),
    Work("login", "Login", lambda contender: contender.login),
    Work("register", "Register", lambda contender: contender.register),
    Work("logout", "Logout", lambda contender: contender.logout),
)
