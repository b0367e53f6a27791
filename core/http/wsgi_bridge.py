"""Runs a WSGI application behind an ASGI server: the event loop receives requests, threads answer them.

An ASGI server hands over header values as bytes. Some WSGI servers drop a value that holds a byte above 127 (granian
does, in its issue 335), so that a request with foreign bytes in its cookies seems to have none.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from core.http.wsgi_environ import Environ, Scope, build_environ

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Headers = Sequence[tuple[bytes, bytes]]

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_CONNECTION_CLOSE = (b"connection", b"close")
_SEND_TIMEOUT_SECONDS = 30.0  # a client that reads nothing of a streamed response for this long loses the rest of it
INCOMPLETE_BODY = "vestibule.incomplete_body"  # in the environ of a request that the application must refuse


class IncompleteBodyError(Exception):
    """The client closed the connection before the end of the body, or its chunks are malformed."""


@dataclass(frozen=True, slots=True)
class _Response:
    """`body` is an iterator if the length of the body is not known."""

    status: int
    headers: Headers
    body: bytes | Iterator[bytes]
    close: Callable[[], None]


class WsgiBridge:
    """An ASGI application that answers each complete request in one of `threads` threads.

    It buffers at most `max_body_bytes` + 1 bytes of a body, which is enough to refuse it. A client that sends slowly
    holds a connection, but no thread. Nor does one that reads a streamed response slowly: one further thread makes the
    pieces of all streamed responses in turn, and the event loop waits until a client has taken a piece.
    """

    def __init__(self, application: WsgiApplication, *, threads: int, max_body_bytes: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._stream_thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"This application serves HTTP only, not {scope['type']}.")
        environ = await self._receive_request(scope, receive)
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(self._threads, self._respond, environ)
        if isinstance(response.body, bytes):
            headers = [*response.headers, _CONNECTION_CLOSE] if INCOMPLETE_BODY in environ else response.headers
            await _send(send, response.status, headers, response.body)
        else:
            await self._stream(response, response.body, receive, send)

    async def _receive_request(self, scope: Scope, receive: Receive) -> Environ:
        try:
            return build_environ(scope, await self._read_body(scope["headers"], receive))
        except IncompleteBodyError:
            return build_environ(scope, b"") | {INCOMPLETE_BODY: True}

    async def _read_body(self, headers: Headers, receive: Receive) -> bytes | None:
        """Return None for a request without a body (RFC 9112, section 6.3)."""
        if not any(name in _FRAMING and value != b"0" for name, value in headers):
            return None
        parts: list[bytes] = []
        missing = self._max_body_bytes + 1
        is_complete = False
        while missing > 0 and not is_complete:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise IncompleteBodyError
            part = message.get("body", b"")[:missing]
            parts.append(part)
            missing -= len(part)
            is_complete = not message.get("more_body", False)
        return b"".join(parts)

    def _respond(self, environ: Environ) -> _Response:
        """Return a whole response already closed; a streamed one is closed after it was sent."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            started.append((status, headers))

        chunks = self._application(environ, start_response)
        close: Callable[[], None] = getattr(chunks, "close", _do_nothing)
        is_streamed = False
        try:
            status, headers = _response_start(*started[-1])
            is_whole = isinstance(chunks, list) or any(name == b"content-length" for name, _value in headers)
            is_streamed = not is_whole and environ["REQUEST_METHOD"] != "HEAD"
            body = iter(chunks) if is_streamed else b"".join(chunks) if is_whole else b""
            return _Response(status, headers, body, close)
        finally:
            if not is_streamed:
                close()

    async def _stream(self, response: _Response, pieces: Iterator[bytes], receive: Receive, send: Send) -> None:
        """A client that disconnects, or reads nothing for _SEND_TIMEOUT_SECONDS, ends the work on its response."""
        run = functools.partial(asyncio.get_running_loop().run_in_executor, self._stream_thread)
        disconnected = asyncio.ensure_future(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
            while (piece := await run(next, pieces, None)) is not None and not disconnected.done():
                if not await _send_piece(send, piece):
                    return
            await send({"type": "http.response.body", "body": b""})
        finally:
            disconnected.cancel()
            await run(response.close)


def _response_start(status: str, headers: list[tuple[str, str]]) -> tuple[int, Headers]:
    return int(status[:3]), [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


def _do_nothing() -> None:
    pass


async def _disconnected(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_piece(send: Send, piece: bytes) -> bool:
    """Return whether the client has read enough to make room for the piece."""
    sent = asyncio.ensure_future(_send_message(send, {"type": "http.response.body", "body": piece, "more_body": True}))
    done, _pending = await asyncio.wait({sent}, timeout=_SEND_TIMEOUT_SECONDS)
    sent.cancel()
    return bool(done)


async def _send_message(send: Send, message: Message) -> None:
    await send(message)


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
