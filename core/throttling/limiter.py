"""Counts requests and password attempts against their limits, in Redis or, while it is unavailable, in this process."""

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
from core.throttling.counters import BackoffRule, Quota, WindowHit, counter_key
from core.throttling.headers import LimitStatus
from core.throttling.in_memory import memory
from core.throttling.rates import Limit, Limits

RATE_LIMITED = counter("rate_limited", "Requests rejected by a rate limit, by limit.", "limit")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request consumes of a limit: `cost` units, counted for `subject`."""

    limit: Limit
    subject: str
    cost: int = 1


def consume(limits: Limits, subject: str, *, cost: int = 1) -> None:
    """Count `cost` for the subject in each of the limits, or in none of them. Raises RateLimited."""
    consume_all([Charge(limit, subject, cost) for limit in limits])


def consume_all(charges: Sequence[Charge]) -> None:
    """Count all charges, or none of them. Raises RateLimited."""
    if settings.RATE_LIMITS:
        _admit_or_raise(_hits(charges), None)


def try_consume(limits: Limits, subject: str) -> bool:
    """Like `consume`, but return False and add no headers: the client must not learn of this limit."""
    if not settings.RATE_LIMITS:
        return True
    _token, quotas = _admit(_hits([Charge(limit, subject) for limit in limits]), None)
    return all(quota.remaining >= 0 for quota in quotas)


def refund_current_request() -> None:
    """Undo all charges of the current request, which is rejected before any of its work is done."""
    for members in refunds.pop_all():
        memory.withdraw(members)
        with suppress(RedisUnavailable):
            in_redis.withdraw(members)
    headers.clear()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password check in flight. Call `failed`, `succeeded` or `withdraw`, or `refund_current_request`, afterwards."""

    token: str
    rule: BackoffRule | None
    remaining: int

    def failed(self) -> None:
        if self.rule is None:
            return
        try:
            wait = in_redis.fail(self.token, self.rule)
        except RedisUnavailable:
            wait = memory.fail(self.token, self.rule)
        headers.record([_status(self.rule.limit, Quota(self.remaining, wait or self.rule.window))])

    def succeeded(self) -> None:
        """Reset the failures of this key."""
        if self.rule is None:
            return
        memory.reset(self.rule)
        with suppress(RedisUnavailable):
            in_redis.reset(self.rule)

    def withdraw(self) -> None:
        """End the attempt as neither: it counts as no failure, and earlier failures stay."""
        if self.rule is None:
            return
        members = {self.rule.in_flight_key: [self.token]}
        memory.withdraw(members)
        with suppress(RedisUnavailable):
            in_redis.withdraw(members)


def attempt(subject: str, *, charges: Sequence[Charge] = ()) -> Attempt:
    """Reserve an attempt before the hash is computed, so that parallel ones cannot exceed the limit; also count `charges`.

    Raises RateLimited if one of the charges exceeds its limit, or the subject has failed too often and has to wait.
    """
    if not settings.RATE_LIMITS:
        return Attempt("", None, 0)
    limit: Limit | None = settings.RATE_LIMIT_WRONG_PASSWORDS
    rule = _backoff_rule(limit, subject) if limit else None
    token, quotas = _admit_or_raise(_hits(charges), rule)
    return Attempt(token, rule, quotas[-1].remaining if rule else 0)


def _hits(charges: Sequence[Charge]) -> list[WindowHit]:
    return [WindowHit(charge.limit, counter_key(charge.limit, charge.subject), charge.cost) for charge in charges]


def _backoff_rule(limit: Limit, subject: str) -> BackoffRule:
    return BackoffRule(
        limit=limit,
        key=counter_key(limit, subject),
        first_wait=round(settings.WRONG_PASSWORD_FIRST_WAIT.total_seconds() * 1000),
        max_wait=round(settings.WRONG_PASSWORD_MAX_WAIT.total_seconds() * 1000),
    )


def _admit(hits: Sequence[WindowHit], rule: BackoffRule | None) -> tuple[str, list[Quota]]:
    token = secrets.token_hex(8)
    if not hits and rule is None:
        return token, []
    try:
        return token, in_redis.admit(token, hits, rule)
    except RedisUnavailable:
        return token, memory.admit(token, hits, rule)


def _admit_or_raise(hits: Sequence[WindowHit], rule: BackoffRule | None) -> tuple[str, list[Quota]]:
    token, quotas = _admit(hits, rule)
    statuses = [_status(hit.limit, quota) for hit, quota in zip(hits, quotas, strict=False)]
    if rule is not None and quotas[-1].remaining < 0 and len(quotas) > len(hits):
        statuses.append(_status(rule.limit, quotas[-1]))  # an admitted attempt gets its headers if it fails
    headers.record(statuses)
    exceeded = [status for status in statuses if status.is_exceeded]
    for status in exceeded:
        RATE_LIMITED.labels(status.limit.name).inc()
    if exceeded:
        raise RateLimited(retry_after=max(status.seconds for status in exceeded))
    members = {hit.key: hit.members(token) for hit in hits}
    refunds.record(members | ({rule.in_flight_key: [token]} if rule else {}))
    return token, quotas


def _status(limit: Limit, quota: Quota) -> LimitStatus:
    return LimitStatus(
        limit=limit,
        remaining=max(quota.remaining, 0),
        seconds=max(1, math.ceil(quota.reset_ms / 1000)),
        is_exceeded=quota.remaining < 0,
    )
