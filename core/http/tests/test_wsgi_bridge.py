"""The bridge streams a response of unknown length, and stops for a client that has disconnected or does not read."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest

from core.http import wsgi_bridge
from core.http.wsgi_bridge import WsgiBridge

Message = MutableMapping[str, Any]


class Streamed:
    """A WSGI application whose response has `number` pieces; it records how many were made and whether it was closed."""

    def __init__(self, number: int, *, fails_at: int | None = None) -> None:
        self.number, self.fails_at = number, fails_at
        self.made, self.closed = 0, threading.Event()

    def __call__(self, _environ: dict[str, Any], start_response: Callable[..., Any]) -> "Streamed":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self.number):
            if number == self.fails_at:
                raise LookupError
            self.made += 1
            yield b"piece"

    def close(self) -> None:
        self.closed.set()


async def _connected() -> Message:
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}


async def _gone() -> Message:
    return {"type": "http.disconnect"}


def _call(
    application: Streamed,
    *,
    receive: Callable[[], Awaitable[Message]] = _connected,
    send: Callable[[Message], Awaitable[None]] | None = None,
    method: str = "GET",
) -> list[Message]:
    sent: list[Message] = []
    scope = {"type": "http", "method": method, "raw_path": b"/", "query_string": b"", "http_version": "1.1"}
    scope |= {"scheme": "http", "headers": []}

    async def note(message: Message) -> None:
        sent.append(message)
        if send is not None:
            await send(message)

    asyncio.run(WsgiBridge(application, threads=1, max_body_bytes=10)(scope, receive, note))
    return sent


def test_each_piece_is_sent_before_the_next_is_made() -> None:
    application, made = Streamed(3), []

    async def send(_message: Message) -> None:
        made.append(application.made)

    sent = _call(application, send=send)

    assert [message["type"] for message in sent] == ["http.response.start"] + 4 * ["http.response.body"]
    assert [message.get("more_body", False) for message in sent[1:]] == [True, True, True, False]
    assert made == [0, 1, 2, 3, 3]
    assert application.closed.is_set()


def test_a_client_that_disconnects_ends_the_work() -> None:
    application = Streamed(1000)

    _call(application, receive=_gone)

    assert application.made <= 2
    assert application.closed.is_set()


def test_a_client_that_reads_nothing_loses_its_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_bridge, "_SEND_TIMEOUT_SECONDS", 0.01)
    application = Streamed(1000)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    _call(application, send=send)

    assert application.made == 1
    assert application.closed.is_set()


def test_a_head_request_makes_no_piece() -> None:
    application = Streamed(1000)

    sent = _call(application, method="HEAD")

    assert sent[-1] == {"type": "http.response.body", "body": b""}
    assert application.made == 0
    assert application.closed.is_set()


def test_an_error_in_the_middle_closes_the_response() -> None:
    application = Streamed(3, fails_at=1)

    with pytest.raises(LookupError):
        _call(application)

    assert application.closed.is_set()


def test_clients_that_do_not_read_occupy_no_thread() -> None:
    """With one thread for requests, two stalled responses and a third that is read whole."""
    stalled, read = Streamed(1000), Streamed(3)

    async def stall(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def call_all() -> None:
        applications = {b"stalled": stalled, b"read": read}
        bridge = WsgiBridge(
            lambda environ, start: applications[environ["QUERY_STRING"].encode()](environ, start),
            threads=1,
            max_body_bytes=10,
        )
        scope = {
            "type": "http",
            "method": "GET",
            "raw_path": b"/",
            "http_version": "1.1",
            "scheme": "http",
            "headers": [],
        }
        waiting = [
            asyncio.ensure_future(bridge(scope | {"query_string": b"stalled"}, _connected, stall)) for _ in range(2)
        ]
        await asyncio.wait_for(bridge(scope | {"query_string": b"read"}, _connected, _ignore), 5)
        for task in waiting:
            task.cancel()

    asyncio.run(call_all())

    assert read.closed.is_set()
    assert stalled.made <= 2


async def _ignore(_message: Message) -> None:
    pass
