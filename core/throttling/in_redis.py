"""The counters in Redis. Each operation is one script, so concurrent requests cannot both use the last unit of a quota."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from core.redis.client import execute
from core.throttling.counters import IN_FLIGHT_TIMEOUT_MS, BackoffRule, Quota, WindowHit


class _Script:
    def __init__(self, name: str) -> None:
        self.text = (Path(__file__).parent / name).read_text("utf-8")
        self.sha = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324 - Redis identifies scripts by SHA-1

    def run(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run in one round trip, or two if Redis does not have the script yet. Raises RedisUnavailable."""
        return execute(lambda client: self._run(client, [len(keys), *keys, *arguments]))

    def _run(self, client: Any, arguments: list[str | int]) -> Any:
        try:
            return client.evalsha(self.sha, *arguments)
        except NoScriptError:
            return client.eval(self.text, *arguments)


_admit, _fail = _Script("admit.lua"), _Script("fail.lua")


def admit(token: str, hits: Sequence[WindowHit], rule: BackoffRule | None) -> list[Quota]:
    """Return the quota of each hit, then that of the attempt. Count nothing if any of them is exceeded."""
    keys = [hit.key for hit in hits]
    arguments: list[str | int] = [token, len(hits)]
    for hit in hits:
        arguments += [hit.limit.amount, hit.limit.seconds * 1000, hit.cost]
    if rule is not None:
        keys += [rule.key, rule.in_flight_key]
        arguments += [*_rule_arguments(rule), IN_FLIGHT_TIMEOUT_MS]
    numbers = _admit.run(keys, arguments)
    return [Quota(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]


def fail(token: str, rule: BackoffRule) -> int:
    """Return how many milliseconds the next attempt has to wait."""
    return int(_fail.run([rule.key, rule.in_flight_key], [token, *_rule_arguments(rule)]))


def reset(rule: BackoffRule) -> None:
    execute(lambda client: client.delete(rule.key, rule.in_flight_key))


def withdraw(members: Mapping[str, Sequence[str]]) -> None:
    """Remove the members in one round trip. Raises RedisUnavailable."""

    def remove(client: Any) -> None:
        with client.pipeline(transaction=False) as pipeline:
            for key, names in members.items():
                pipeline.zrem(key, *names)
            pipeline.execute()

    execute(remove)


def _rule_arguments(rule: BackoffRule) -> list[int]:
    return [rule.limit.amount, rule.window, rule.first_wait, rule.max_wait]
