"""Checks the token family after refreshes, and interrupts refreshes."""

import http.client
import json
import socket
import time

import jwt

from accounts.testing.cast import Tokens, tokens_of
from core.testing.live_server import HOST, ApiResponse, LiveServer
from sessions_tracking.models import Session
from tests.faults.node import Node
from tests.faults.revocation_paths import session_of


def single_family(responses: list[ApiResponse]) -> Tokens:
    """Assert that all refreshes succeeded with the same refresh token; return its tokens."""
    pairs = [tokens_of(response) for response in responses]
    assert len({pair.refresh for pair in pairs}) == 1
    return pairs[0]


def row_of(tokens: Tokens) -> Session:
    return Session.objects.get(id=session_of(tokens))


def is_current(tokens: Tokens) -> bool:
    """Return whether this is the current refresh token of its user's only active session."""
    claims = jwt.decode(tokens.refresh, options={"verify_signature": False})
    rows = list(Session.objects.filter(user=claims["sub"], revoked_at=None).values_list("id", "refresh_jti"))
    assert [str(row[0]) for row in rows] == [claims["sid"]]
    return [str(row[1]) for row in rows] == [claims["jti"]]


def _request(tokens: Tokens) -> bytes:
    body = json.dumps({"refreshToken": tokens.refresh})
    head = "POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def refresh_and_hang_up(server: LiveServer, tokens: Tokens) -> None:
    """Close the connection after the refresh, without reading the response."""
    with socket.create_connection((HOST, server.port)) as client:
        client.sendall(_request(tokens))
        deadline = time.monotonic() + 2
        while is_current(tokens):
            assert time.monotonic() < deadline, "the server did not refresh the token in time"
            time.sleep(0.001)


def refresh_and_kill(node: Node, tokens: Tokens, *, delay: float) -> Tokens | None:
    """Kill the server `delay` seconds after the request; return the received tokens, or None without a complete response."""
    with socket.create_connection((HOST, node.server.port), timeout=5) as client:
        client.sendall(_request(tokens))
        time.sleep(delay)
        node.kill()
        try:
            response = http.client.HTTPResponse(client)
            response.begin()
            return tokens_of(ApiResponse(response.status, response.headers, response.read()))
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return None
