"""Lost responses, killed servers and clock skew: one token family or a clean 401, never two families."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.testing.cast import log_in, me, refresh, signed_in, someone, tokens_of
from core.testing import live_server
from core.testing.live_server import LiveServer
from sessions_tracking.models import Session
from tests.faults import node
from tests.faults.node import Node
from tests.faults.revocation_paths import (
    ALL,
    SINGLE,
    RevocationPath,
    administrator,
    is_alive,
    is_revoked,
    make_scenario,
    session_of,
)
from tests.faults.token_families import is_current, refresh_and_hang_up, refresh_and_kill, row_of, single_family

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROUNDS = 30
KILLS = 200
AHEAD = 5.0
GRACE = 1.0
# Tokens never outlive their session: by a clock that is ahead they have expired, and cannot revoke it.
OWN_TOKEN_PATHS = {"logout", "logout by the refresh token", "deletion of the session"}
OTHER_PATHS = {name: revoke for name, revoke in {**SINGLE, **ALL}.items() if name not in OWN_TOKEN_PATHS}


@pytest.fixture(scope="module")
def server(faults_folder: Path) -> Iterator[LiveServer]:
    with live_server.running(faults_folder) as running:
        yield running


@pytest.fixture(scope="module")
def killable(faults_folder: Path) -> Iterator[Node]:
    with node.running(faults_folder) as running:
        yield running


@pytest.fixture(scope="module")
def ahead(faults_folder: Path) -> Iterator[LiveServer]:
    with node.running(faults_folder, clock_shift=AHEAD) as running:
        yield running.server


@pytest.fixture(scope="module")
def short_lived(faults_folder: Path) -> Iterator[LiveServer]:
    with node.running(
        faults_folder, REFRESH_REUSE_GRACE="1s", SESSION_MAX_AGE="4s", JWT_REFRESH_EXPIRY="3s"
    ) as running:
        yield running.server


def test_a_refresh_retried_after_a_lost_response_gets_the_same_successor(server: LiveServer) -> None:
    tokens = signed_in(server, someone())
    for _ in range(ROUNDS):
        refresh_and_hang_up(server, tokens)
        tokens = single_family([server.send(refresh(tokens.refresh))])
        assert is_current(tokens)
    assert is_alive(server, tokens)


def test_a_retry_after_the_grace_period_revokes_the_session(short_lived: LiveServer) -> None:
    user = someone()
    tokens = signed_in(short_lived, user)
    refresh_and_hang_up(short_lived, tokens)
    time.sleep(GRACE + 0.2)

    assert short_lived.send(refresh(tokens.refresh)).code == "refresh_token_reused"

    assert short_lived.send(refresh(tokens.refresh)).code == "session_revoked"
    assert is_alive(short_lived, tokens_of(short_lived.send(log_in(user))))


def test_retries_do_not_extend_the_grace_period(short_lived: LiveServer) -> None:
    tokens = signed_in(short_lived, someone())
    successor = tokens_of(short_lived.send(refresh(tokens.refresh))).refresh
    retired_at = requested_at = time.monotonic()

    while (response := short_lived.send(refresh(tokens.refresh))).status == 200:
        assert tokens_of(response).refresh == successor
        assert requested_at - retired_at < GRACE
        time.sleep(GRACE / 5)
        requested_at = time.monotonic()

    assert response.code == "refresh_token_reused"
    assert short_lived.send(refresh(successor)).code == "session_revoked"


def test_refreshes_do_not_extend_the_absolute_session_lifetime(short_lived: LiveServer) -> None:
    tokens, session_ends = signed_in(short_lived, someone()), set()
    started = time.monotonic()
    while (response := short_lived.send(refresh(tokens.refresh))).status == 200:
        tokens = tokens_of(response)
        session_ends.add(row_of(tokens).absolute_expires_at)
        time.sleep(0.3)

    assert response.code in {"token_expired", "session_revoked"}
    assert 2.9 < time.monotonic() - started < 5
    assert len(session_ends) == 1
    assert short_lived.send(me(tokens.access)).code == "token_expired"


def test_a_server_killed_during_a_refresh_leaves_one_token_family(killable: Node) -> None:
    """The kills fall before the commit, after it, and after the response; the client retries with its latest token."""
    tokens = signed_in(killable.server, someone())
    absolute_end, issued, without_response, unreceived = row_of(tokens).absolute_expires_at, [tokens], 0, 0
    max_delay = 0.012
    for _ in range(KILLS):
        received = refresh_and_kill(killable, tokens, delay=random.uniform(0, max_delay))  # noqa: S311 - no secret
        max_delay *= 1.05 if received is None else 0.95  # about twice the response time, at any load of the machine
        if received is None:
            without_response += 1
            unreceived += not is_current(tokens)
        else:
            tokens = received

        tokens = single_family([killable.server.send(refresh(tokens.refresh))])

        assert is_current(tokens)
        assert is_alive(killable.server, tokens)
        issued.append(tokens)
    assert row_of(tokens).absolute_expires_at == absolute_end
    assert without_response > unreceived > 0, "the kills must fall both before and after the commit"
    assert killable.server.send(refresh(issued[0].refresh)).code == "refresh_token_reused"
    assert is_revoked(killable.server, tokens)


def test_nodes_with_clock_skew_keep_one_token_family(server: LiveServer, ahead: LiveServer) -> None:
    tokens = signed_in(server, someone())
    absolute_end = row_of(tokens).absolute_expires_at
    for number in range(ROUNDS):
        first, second = (server, ahead) if number % 2 else (ahead, server)
        refresh_and_hang_up(first, tokens)
        tokens = single_family([node.send(refresh(tokens.refresh)) for node in (second, first, second)])
        assert is_current(tokens)
        assert is_alive(first, tokens)
        assert is_alive(second, tokens)
    assert row_of(tokens).absolute_expires_at == absolute_end


@pytest.mark.parametrize("revoke", OTHER_PATHS.values(), ids=OTHER_PATHS.keys())
def test_a_revocation_on_a_node_whose_clock_is_ahead_applies_on_every_node(
    server: LiveServer, ahead: LiveServer, revoke: RevocationPath
) -> None:
    """A session about to expire: a node with a slow clock must not refresh it after a revocation on a node that is ahead."""
    scenario = make_scenario(server, administrator(server))
    soon = datetime.now(UTC) + timedelta(seconds=AHEAD - 1)
    Session.objects.filter(id=session_of(scenario.tokens)).update(expires_at=soon)
    assert is_alive(server, scenario.tokens)

    assert ahead.send(revoke(scenario)).status in {200, 404}

    assert is_revoked(server, scenario.tokens)
    assert is_revoked(ahead, scenario.tokens)
