"""Requests of signed-in users, as streams for the client."""

import itertools
from collections.abc import Callable, Iterator, Sequence

from benchmarks.contender import Contender, token_in
from benchmarks.load.plan import Request
from benchmarks.load.streams import Stream, StreamResponse
from benchmarks.server import USERS, Server


def with_tokens(
    name: str, request: Request | None, tokens: Sequence[str], *, connections: int, count: int | None = None
) -> Stream:
    """Send each request with the next token; `count` requests in total, or endlessly."""
    template = _required(request)
    turns = itertools.cycle(tokens) if count is None else itertools.islice(itertools.cycle(tokens), count)
    shared = (template.filled(token=token) for token in turns)
    return Stream(name, connections, lambda _index: shared)


def once_each(name: str, request: Request | None, tokens: Sequence[str], *, connections: int) -> Stream:
    return with_tokens(name, request, tokens, connections=connections, count=len(tokens))


def refreshing(server: Server, *, connections: int, count: int | None = None) -> Stream:
    """Refresh one session per connection; each response contains the token of the next request."""
    contender, tokens = server.contender, [server.sign_in(index).refresh for index in range(connections)]
    turns = iter(range(count)) if count is not None else itertools.count()

    def requests(index: int) -> Iterator[Request]:
        for _turn in turns:
            yield _required(contender.refresh).filled(token=tokens[index])

    def keep(index: int, response: StreamResponse) -> None:
        tokens[index] = token_in(response.text, contender.refresh_token) or tokens[index]

    return Stream("refresh", connections, requests, on_response=keep)


def signing_in(contender: Contender, *, connections: int, count: int | None = None, first: int = 100) -> Stream:
    """Sign in the users from number `first` on, one after the other."""
    turns = itertools.cycle(range(first, USERS))
    numbers = turns if count is None else itertools.islice(turns, count)
    shared = (_required(contender.login).filled(number=number) for number in numbers)
    return Stream("login", connections, lambda _index: shared)


def paced(stream: Stream, seconds: float) -> Stream:
    """Pause after each response, as users do."""
    stream.pause = _constant(seconds)
    return stream


def _constant(seconds: float) -> Callable[[StreamResponse], float]:
    return lambda _response: seconds


def _required(request: Request | None) -> Request:
    assert request is not None  # noqa: S101 - the product has all of them
    return request
