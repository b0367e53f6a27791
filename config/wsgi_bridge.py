"""Runs a WSGI application behind an ASGI server: the event loop receives requests, threads answer them.

An ASGI server hands over header values as bytes. Some WSGI servers drop a value that holds a byte above 127 (granian
does, in its issue 335), so that a request with foreign bytes in its cookies seems to have none.
"""

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Headers = Sequence[tuple[bytes, bytes]]

# CGI has no `HTTP_` before these two (RFC 3875, section 4.1).
_WITHOUT_PREFIX = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_CONSTANT = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_SEND_TIMEOUT_SECONDS = 30.0  # a client that reads nothing of a streamed response for so long loses it
_BAD_REQUEST = b'{"success": false, "code": "bad_request", "message": "The request body is incomplete or malformed."}'


class IncompleteBodyError(Exception):
    """The client closed the connection before the end of the body, or its chunks are malformed."""


class WsgiBridge:
    """An ASGI application that answers each complete request in one of `threads` threads.

    It buffers at most `max_body_bytes` + 1 bytes of a body, which is enough to refuse it. A client that sends slowly
    holds a connection, but no thread.
    """

    def __init__(self, application: WsgiApplication, *, threads: int, max_body_bytes: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"This application serves HTTP only, not {scope['type']}.")
        try:
            body = await self._read_body(scope["headers"], receive)
        except IncompleteBodyError:
            await _send(send, 400, [(b"content-type", b"application/json"), (b"connection", b"close")], _BAD_REQUEST)
            return
        environ = build_environ(scope, body)
        loop = asyncio.get_running_loop()

        def send_from_thread(message: Message) -> None:
            asyncio.run_coroutine_threadsafe(_send_message(send, message), loop).result(_SEND_TIMEOUT_SECONDS)

        response = await loop.run_in_executor(self._threads, self._respond, environ, send_from_thread)
        if response is not None:
            await _send(send, *response)

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

    def _respond(self, environ: Environ, send: Callable[[Message], None]) -> tuple[int, Headers, bytes] | None:
        """Return the response. One whose length is not known is sent from here, piece by piece, and None is returned."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            started.append((status, headers))

        chunks = self._application(environ, start_response)
        try:
            status, headers = _response_start(*started[-1])
            if any(name == b"content-length" for name, _value in headers) or isinstance(chunks, list):
                return status, headers, b"".join(chunks)
            send({"type": "http.response.start", "status": status, "headers": headers})
            for chunk in chunks:
                send({"type": "http.response.body", "body": chunk, "more_body": True})
            send({"type": "http.response.body", "body": b""})
            return None
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()


def _response_start(status: str, headers: list[tuple[str, str]]) -> tuple[int, Headers]:
    return int(status[:3]), [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]


async def _send_message(send: Send, message: Message) -> None:
    await send(message)


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def build_environ(scope: Mapping[str, Any], body: bytes | None) -> Environ:
    """Return the environ of PEP 3333, in which text is bytes decoded as latin-1."""
    server, client = scope.get("server") or ("", ""), scope.get("client") or ("", "")
    environ: Environ = _CONSTANT | {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": "HTTP/1.1" if scope["http_version"] == "1.1" else "HTTP/1.0",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body or b""),
    }
    for name, value in scope["headers"]:
        key = _environ_key(name)
        if key is not None:
            _add_header(environ, key, value.decode("latin-1"))
    if body is not None:
        environ.pop("HTTP_TRANSFER_ENCODING", None)  # the server has removed the chunks' framing
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


@functools.lru_cache(maxsize=512)
def _environ_key(name: bytes) -> str | None:
    """Return None for a name with an underscore: it would pass for the name with a hyphen, which a proxy may have set."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in _WITHOUT_PREFIX else f"HTTP_{key}"


def _add_header(environ: Environ, key: str, value: str) -> None:
    """Join the values of a repeated header: cookies by a semicolon (RFC 9113, section 8.2.3), others by a comma."""
    if key in environ:
        value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
    environ[key] = value
