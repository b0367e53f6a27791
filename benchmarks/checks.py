"""Check that a server works before it is measured: identity, rejection of forged tokens, refresh and logout."""

from benchmarks.contender import Tokens, token_in
from benchmarks.server import Response, Server


class WrongResponse(Exception):
    """A contender gave a wrong response, so the run ends."""


def check(server: Server) -> None:
    """Sign in, refresh and sign out. Raise WrongResponse if a response is wrong."""
    contender = server.contender
    if contender.login is None:
        _require(server, get_me(server, Tokens("")), contender.expected_me)
        return
    tokens = server.sign_in(0)
    _require(server, get_me(server, tokens), '"user0"')
    forged = tokens.access[:-10] + "A" * 10
    if not _is_rejected(get_me(server, Tokens(forged))):
        raise WrongResponse(f"{contender.label} accepts a forged token.")
    server.sign_out(_refresh(server, tokens))


def is_revoked_at_once(server: Server) -> bool | None:
    """Return whether logout revokes the access token at once, or None if there is no logout."""
    tokens = server.sign_in(0)
    if server.sign_out(tokens) is None:
        return None
    return _is_rejected(get_me(server, tokens))


def _refresh(server: Server, tokens: Tokens) -> Tokens:
    contender = server.contender
    if contender.refresh is None:
        return tokens
    response = server.send(contender.refresh.filled(token=tokens.refresh))
    _require(server, response, contender.refresh_token)
    refreshed = Tokens(token_in(response.body, contender.access), token_in(response.body, contender.refresh_token))
    if not refreshed.refresh or refreshed.refresh == tokens.refresh:
        raise WrongResponse(f"{contender.label} returns the same refresh token.")
    _require(server, get_me(server, refreshed), '"user0"')
    return refreshed


def _is_rejected(response: Response) -> bool:
    """better-auth returns null instead of an error status."""
    return response.status in {401, 403, 410} or response.body == b"null"


def get_me(server: Server, tokens: Tokens) -> Response:
    assert server.contender.me is not None  # noqa: S101 - every contender has it
    return server.send(server.contender.me.filled(token=tokens.access))


def _require(server: Server, response: Response, text: str) -> None:
    if response.status != 200 or text.encode() not in response.body:
        raise WrongResponse(
            f"{server.contender.label} returned {response.status} {response.body[:300]!r} instead of {text}."
        )
