"""Whether a server does what it is measured at: who the caller is, what is refused, what a refresh brings, what a logout ends."""

from benchmarks.contender import Tokens, token_in
from benchmarks.server import Reply, Server


class WrongAnswer(Exception):
    """A contender that does not do its work is not measured."""


def check(server: Server) -> None:
    """Signs in and out again. Raises WrongAnswer."""
    contender = server.contender
    if contender.login is None:
        _require(server, who_am_i(server, Tokens("")), contender.says)
        return
    tokens = server.sign_in(0)
    _require(server, who_am_i(server, tokens), '"user0"')
    forged = tokens.access[:-10] + "A" * 10
    if not _is_refused(who_am_i(server, Tokens(forged))):
        raise WrongAnswer(f"{contender.label} takes a forged token.")
    server.sign_out(_refreshed(server, tokens))


def dies_at_once(server: Server) -> bool | None:
    """Whether the access token is refused right after the logout; None without one."""
    tokens = server.sign_in(0)
    if server.sign_out(tokens) is None:
        return None
    return _is_refused(who_am_i(server, tokens))


def _refreshed(server: Server, tokens: Tokens) -> Tokens:
    contender = server.contender
    if contender.refresh is None:
        return tokens
    reply = server.send(contender.refresh.filled(token=tokens.refresh))
    _require(server, reply, contender.refresh_token)
    found = Tokens(token_in(reply.body, contender.access), token_in(reply.body, contender.refresh_token))
    if not found.refresh or found.refresh == tokens.refresh:
        raise WrongAnswer(f"{contender.label} gives the refresh token back that it was given.")
    _require(server, who_am_i(server, found), '"user0"')
    return found


def _is_refused(reply: Reply) -> bool:
    """better-auth has no status for it: there is no session."""
    return reply.status in {401, 403, 410} or reply.body == b"null"


def who_am_i(server: Server, tokens: Tokens) -> Reply:
    assert server.contender.me is not None  # noqa: S101 - each contender has it
    return server.send(server.contender.me.filled(token=tokens.access))


def _require(server: Server, reply: Reply, text: str) -> None:
    if reply.status != 200 or text.encode() not in reply.body:
        raise WrongAnswer(f"{server.contender.label} answers {reply.status} {reply.body[:300]!r} instead of {text}.")
