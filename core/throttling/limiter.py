"""The one door to the counters: asks Redis, or this process's own memory while Redis is away, and refuses who has no room."""

import math
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from core.api.exceptions import RateLimited
from core.metrics.registry import counter
from core.redis.client import RedisUnavailable
from core.throttling import headers, in_redis, refunds
from core.throttling.counters import Hit, Room, Tries, key_of
from core.throttling.headers import Standing
from core.throttling.in_memory import memory
from core.throttling.rates import Limit, Limits

RATE_LIMITED = counter("rate_limited", "Requests rejected by a rate limit, by limit.", "limit")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request takes from a limit: `cost` units, counted for `subject`."""

    limit: Limit
    subject: str
    cost: int = 1


def take(limits: Limits, whom: str, *, cost: int = 1) -> None:
    """Counts `cost` for `whom` in each of the limits, or nothing in any. Raises RateLimited."""
    take_all([Charge(limit, whom, cost) for limit in limits])


def take_all(charges: Sequence[Charge]) -> None:
    """Counts all charges, or none of them. Raises RateLimited."""
    if settings.RATE_LIMITS:
        _admit(_hits(charges), None)


def has_room(limits: Limits, whom: str) -> bool:
    """As `take`, and nobody who asks is told: for what happens behind an answer that is always the same."""
    if not settings.RATE_LIMITS:
        return True
    _token, rooms = _ask(_hits([Charge(limit, whom) for limit in limits]), None)
    return all(room.left >= 0 for room in rooms)


def give_back() -> None:
    """As if the request at work had come to no limit: it is turned away, and nothing of what it asked for was looked at."""
    for members in refunds.forget():
        memory.withdraw(members)
        with suppress(RedisUnavailable):
            in_redis.withdraw(members)
    headers.forget()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password that is about to be judged. One of `failed`, `succeeded`, `withdraw` and `give_back` must follow."""

    token: str
    tries: Tries | None
    left: int

    def failed(self) -> None:
        if self.tries is None:
            return
        try:
            wait = in_redis.fail(self.token, self.tries)
        except RedisUnavailable:
            wait = memory.fail(self.token, self.tries)
        headers.note([_standing(self.tries.limit, Room(self.left, wait or self.tries.window))])

    def succeeded(self) -> None:
        """All failures of the same are forgotten, and nobody else's."""
        if self.tries is None:
            return
        memory.forget(self.tries)
        with suppress(RedisUnavailable):
            in_redis.forget(self.tries)

    def withdraw(self) -> None:
        """Ends the attempt as neither: it counts as no failure, and earlier failures stay."""
        if self.tries is None:
            return
        members = {self.tries.being_judged: [self.token]}
        memory.withdraw(members)
        with suppress(RedisUnavailable):
            in_redis.withdraw(members)


def attempt(whom: str, *, charges: Sequence[Charge] = ()) -> Attempt:
    """Reserves the try before a hash is computed, so that parallel ones cannot outrun the count; with it counts `charges`.

    Raises RateLimited: one of the charges exceeds its limit, or `whom` has failed too often and has to wait.
    """
    if not settings.RATE_LIMITS:
        return Attempt("", None, 0)
    rule: Limit | None = settings.RATE_LIMIT_WRONG_PASSWORDS
    tries = _tries(rule, whom) if rule else None
    token, rooms = _admit(_hits(charges), tries)
    return Attempt(token, tries, rooms[-1].left if tries else 0)


def _hits(charges: Sequence[Charge]) -> list[Hit]:
    return [Hit(charge.limit, key_of(charge.limit, charge.subject), charge.cost) for charge in charges]


def _tries(rule: Limit, whom: str) -> Tries:
    return Tries(
        limit=rule,
        key=key_of(rule, whom),
        first_wait=round(settings.WRONG_PASSWORD_FIRST_WAIT.total_seconds() * 1000),
        longest_wait=round(settings.WRONG_PASSWORD_LONGEST_WAIT.total_seconds() * 1000),
    )


def _ask(hits: Sequence[Hit], tries: Tries | None) -> tuple[str, list[Room]]:
    token = secrets.token_hex(8)
    if not hits and tries is None:
        return token, []
    try:
        return token, in_redis.admit(token, hits, tries)
    except RedisUnavailable:
        return token, memory.admit(token, hits, tries)


def _admit(hits: Sequence[Hit], tries: Tries | None) -> tuple[str, list[Room]]:
    token, rooms = _ask(hits, tries)
    found = [_standing(hit.limit, room) for hit, room in zip(hits, rooms, strict=False)]
    if tries is not None and rooms[-1].left < 0 and len(rooms) > len(hits):
        found.append(_standing(tries.limit, rooms[-1]))  # one that may go on is told of once it has failed
    headers.note(found)
    refused = [each.seconds for each in found if each.is_exceeded]
    for each in found:
        if each.is_exceeded:
            RATE_LIMITED.labels(each.limit.name).inc()
    if refused:
        raise RateLimited(retry_after=max(refused))
    members = {hit.key: hit.members(token) for hit in hits}
    refunds.note(members | ({tries.being_judged: [token]} if tries else {}))
    return token, rooms


def _standing(limit: Limit, room: Room) -> Standing:
    return Standing(
        limit=limit,
        remaining=max(room.left, 0),
        seconds=max(1, math.ceil(room.milliseconds / 1000)),
        is_exceeded=room.left < 0,
    )
