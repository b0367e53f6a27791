"""The requests of people who are signed in, as streams for the client."""

import itertools
from collections.abc import Callable, Iterator, Sequence

from benchmarks.contender import Contender, token_in
from benchmarks.load.plan import Ask
from benchmarks.load.streams import Answer, Stream
from benchmarks.server import USERS, Server


def with_tokens(
    name: str, ask: Ask | None, tokens: Sequence[str], *, connections: int, count: int | None = None
) -> Stream:
    """Each request with the next of the tokens; `count` requests in all, or without end."""
    asked = _there(ask)
    turns = itertools.cycle(tokens) if count is None else itertools.islice(itertools.cycle(tokens), count)
    shared = (asked.filled(token=token) for token in turns)
    return Stream(name, connections, lambda _index: shared)


def once_each(name: str, ask: Ask | None, tokens: Sequence[str], *, connections: int) -> Stream:
    return with_tokens(name, ask, tokens, connections=connections, count=len(tokens))


def refreshing(server: Server, *, connections: int, count: int | None = None) -> Stream:
    """A session for each connection, each answer bringing the token of the next request."""
    contender, tokens = server.contender, [server.sign_in(index).refresh for index in range(connections)]
    turns = iter(range(count)) if count is not None else itertools.count()

    def asks(index: int) -> Iterator[Ask]:
        for _turn in turns:
            yield _there(contender.refresh).filled(token=tokens[index])

    def keep(index: int, answer: Answer) -> None:
        tokens[index] = token_in(answer.text, contender.refresh_token) or tokens[index]

    return Stream("refresh", connections, asks, on_answer=keep)


def signing_in(contender: Contender, *, connections: int, count: int | None = None, first: int = 100) -> Stream:
    """Of the users from number `first` on, one after the other."""
    turns = itertools.cycle(range(first, USERS))
    numbers = turns if count is None else itertools.islice(turns, count)
    shared = (_there(contender.login).filled(number=number) for number in numbers)
    return Stream("login", connections, lambda _index: shared)


def paced(stream: Stream, seconds: float) -> Stream:
    """People do not ask again at once."""
    stream.pause = _constant(seconds)
    return stream


def _constant(seconds: float) -> Callable[[Answer], float]:
    return lambda _answer: seconds


def _there(ask: Ask | None) -> Ask:
    assert ask is not None  # noqa: S101 - the product has all of them
    return ask
