"""The counters in Redis: each question is one script, so that of parallel ones no two see the same room."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from core.redis.client import execute
from core.throttling.counters import JUDGED_WITHIN, Hit, Room, Tries


class _Script:
    def __init__(self, name: str) -> None:
        self.text = (Path(__file__).parent / name).read_text()
        self.sha = hashlib.sha1(self.text.encode()).hexdigest()  # noqa: S324 - Redis's own name for it

    def run(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """One round trip; a Redis that does not know the script yet is sent the whole of it. Raises RedisUnavailable."""
        return execute(lambda client: self._run(client, [len(keys), *keys, *arguments]))

    def _run(self, client: Any, arguments: list[str | int]) -> Any:
        try:
            return client.evalsha(self.sha, *arguments)
        except NoScriptError:
            return client.eval(self.text, *arguments)


_admit, _fail = _Script("admit.lua"), _Script("fail.lua")


def admit(token: str, hits: Sequence[Hit], tries: Tries | None) -> list[Room]:
    """The room for each hit, and for the try after them. Nothing is counted where one of them has none."""
    keys = [hit.key for hit in hits]
    arguments: list[str | int] = [token, len(hits)]
    for hit in hits:
        arguments += [hit.limit.amount, hit.limit.seconds * 1000, hit.cost]
    if tries is not None:
        keys += [tries.key, tries.being_judged]
        arguments += [*_figures(tries), JUDGED_WITHIN]
    numbers = _admit.run(keys, arguments)
    return [Room(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]


def fail(token: str, tries: Tries) -> int:
    """How many milliseconds the next try has to wait."""
    return int(_fail.run([tries.key, tries.being_judged], [token, *_figures(tries)]))


def forget(tries: Tries) -> None:
    execute(lambda client: client.delete(tries.key, tries.being_judged))


def withdraw(members: Mapping[str, Sequence[str]]) -> None:
    """In one round trip. Raises RedisUnavailable."""

    def remove(client: Any) -> None:
        with client.pipeline(transaction=False) as pipeline:
            for key, names in members.items():
                pipeline.zrem(key, *names)
            pipeline.execute()

    execute(remove)


def _figures(tries: Tries) -> list[int]:
    return [tries.limit.amount, tries.window, tries.first_wait, tries.longest_wait]
