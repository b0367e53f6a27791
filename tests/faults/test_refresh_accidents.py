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
from tests.faults.lineage import is_current, refresh_and_hang_up, refresh_into_a_kill, row_of, single_family
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

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROUNDS = 30
KILLS = 200
AHEAD = 5.0
GRACE = 1.0
# Tokens never outlive their session: by a clock that is ahead they have expired, and cannot revoke it.
BY_ITS_OWN_TOKENS = {"logout", "logout by the refresh token", "deletion of the session"}
BY_OTHERS = {name: revoke for name, revoke in {**SINGLE, **ALL}.items() if name not in BY_ITS_OWN_TOKENS}


@pytest.fixture(scope="module")
def server(faults_folder: Path) -> Iterator[LiveServer]:
    with live_server.running(faults_folder) as running:
        yield running


@pytest.fixture(scope="module")
def victim(faults_folder: Path) -> Iterator[Node]:
    with node.running(faults_folder) as running:
        yield running


@pytest.fixture(scope="module")
def ahead(faults_folder: Path) -> Iterator[LiveServer]:
    with node.running(faults_folder, clock_shift=AHEAD) as running:
        yield running.server


@pytest.fixture(scope="module")
def strict(faults_folder: Path) -> Iterator[LiveServer]:
    with node.running(
        faults_folder, REFRESH_REUSE_GRACE="1s", SESSION_MAX_AGE="4s", JWT_REFRESH_EXPIRY="3s"
    ) as running:
        yield running.server


def test_who_lost_the_answer_gets_the_same_successor(server: LiveServer) -> None:
    tokens = signed_in(server, someone())
    for _ in range(ROUNDS):
        refresh_and_hang_up(server, tokens)
        tokens = single_family([server.send(refresh(tokens.refresh))])
        assert is_current(tokens)
    assert is_alive(server, tokens)


def test_who_lost_the_answer_for_longer_than_the_grace_signs_in_again(strict: LiveServer) -> None:
    user = someone()
    tokens = signed_in(strict, user)
    refresh_and_hang_up(strict, tokens)
    time.sleep(GRACE + 0.2)

    assert strict.send(refresh(tokens.refresh)).code == "refresh_token_reused"

    assert strict.send(refresh(tokens.refresh)).code == "session_revoked"
    assert is_alive(strict, tokens_of(strict.send(log_in(user))))


def test_asking_again_does_not_lengthen_the_grace(strict: LiveServer) -> None:
    tokens = signed_in(strict, someone())
    successor = tokens_of(strict.send(refresh(tokens.refresh))).refresh
    retired_at = asked_at = time.monotonic()

    while (reply := strict.send(refresh(tokens.refresh))).status == 200:
        assert tokens_of(reply).refresh == successor
        assert asked_at - retired_at < GRACE
        time.sleep(GRACE / 5)
        asked_at = time.monotonic()

    assert reply.code == "refresh_token_reused"
    assert strict.send(refresh(successor)).code == "session_revoked"


def test_a_chain_of_refreshes_ends_when_the_session_was_to_end(strict: LiveServer) -> None:
    tokens, ends = signed_in(strict, someone()), set()
    started = time.monotonic()
    while (reply := strict.send(refresh(tokens.refresh))).status == 200:
        tokens = tokens_of(reply)
        ends.add(row_of(tokens).absolute_expires_at)
        time.sleep(0.3)

    assert reply.code in {"token_expired", "session_revoked"}
    assert 2.9 < time.monotonic() - started < 5
    assert len(ends) == 1
    assert strict.send(me(tokens.access)).code == "token_expired"


def test_a_server_killed_in_the_middle_leaves_no_dead_end_and_no_second_lineage(victim: Node) -> None:
    """The kill falls before, between and after the commit and the answer; the client goes on with what it holds."""
    tokens = signed_in(victim.server, someone())
    absolute_end, held, without_answer, lost = row_of(tokens).absolute_expires_at, [tokens], 0, 0
    longest = 0.012
    for _ in range(KILLS):
        answer = refresh_into_a_kill(victim, tokens, delay=random.uniform(0, longest))  # noqa: S311 - no secret
        longest *= 1.05 if answer is None else 0.95  # twice what an answer takes, however busy the machine is
        if answer is None:
            without_answer += 1
            lost += not is_current(tokens)
        else:
            tokens = answer

        tokens = single_family([victim.server.send(refresh(tokens.refresh))])

        assert is_current(tokens)
        assert is_alive(victim.server, tokens)
        held.append(tokens)
    assert row_of(tokens).absolute_expires_at == absolute_end
    assert without_answer > lost > 0, "no kill hit what it was meant to hit"
    assert victim.server.send(refresh(held[0].refresh)).code == "refresh_token_reused"
    assert is_revoked(victim.server, tokens)


def test_two_nodes_whose_clocks_differ_keep_one_lineage(server: LiveServer, ahead: LiveServer) -> None:
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


@pytest.mark.parametrize("revoke", BY_OTHERS.values(), ids=BY_OTHERS.keys())
def test_what_is_over_by_one_clock_ends_by_the_other_too(
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
