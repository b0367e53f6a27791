"""Refreshes that race each other, a revocation or a theft: one token family or a clean error, and no token survives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import OutboxEmail
from accounts.testing.cast import refresh, signed_in, someone, tokens_of
from core.testing import live_server
from core.testing.live_server import LiveServer
from tests.faults.revocation_paths import (
    ALL,
    SINGLE,
    RevocationPath,
    administrator,
    is_alive,
    is_revoked,
    make_scenario,
)
from tests.faults.token_families import is_current, single_family

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROUNDS = 30
REVOCATIONS = {**SINGLE, **ALL}


@pytest.fixture(scope="module")
def server(faults_folder: Path) -> Iterator[LiveServer]:
    with live_server.running(faults_folder) as running:
        yield running


@pytest.mark.parametrize("racers", [2, 20])
def test_concurrent_refreshes_leave_one_token_family(server: LiveServer, racers: int) -> None:
    tokens = signed_in(server, someone())
    for _ in range(ROUNDS):
        tokens = single_family(server.send_at_once([refresh(tokens.refresh)] * racers))
        assert is_current(tokens)
    assert is_alive(server, tokens)


@pytest.mark.parametrize("revoke", REVOCATIONS.values(), ids=REVOCATIONS.keys())
def test_tokens_minted_by_a_refresh_racing_a_revocation_are_revoked(server: LiveServer, revoke: RevocationPath) -> None:
    admin = administrator(server)
    for _ in range(ROUNDS):
        scenario = make_scenario(server, admin)

        revocation, *responses = server.send_at_once([revoke(scenario), *[refresh(scenario.tokens.refresh)] * 3])

        assert revocation.status == 200, revocation
        assert {response.code for response in responses} <= {"ok", "session_revoked"}, responses
        minted = {tokens_of(response) for response in responses if response.status == 200}
        assert all(is_revoked(server, tokens) for tokens in {scenario.tokens, *minted})


@pytest.mark.parametrize(
    "name", ["deletion of the account", "an administrator deactivates", "an administrator deletes"]
)
def test_reuse_detection_during_an_account_removal_does_not_deadlock(server: LiveServer, name: str) -> None:
    admin = administrator(server)
    for _ in range(ROUNDS):
        scenario = make_scenario(server, admin)
        latest = tokens_of(server.send(refresh(tokens_of(server.send(refresh(scenario.tokens.refresh))).refresh)))

        revocation, *responses = server.send_at_once([ALL[name](scenario), *[refresh(scenario.tokens.refresh)] * 3])

        assert revocation.status == 200, revocation
        assert {response.code for response in responses} <= {"refresh_token_reused", "session_revoked"}, responses
        assert is_revoked(server, latest)


def test_concurrent_reuse_revokes_the_session_before_any_response(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user = someone()
        stolen = signed_in(server, user)
        latest = tokens_of(server.send(refresh(tokens_of(server.send(refresh(stolen.refresh))).refresh)))

        codes = [response.code for response in server.send_at_once([refresh(stolen.refresh)] * 4)]

        assert sorted(codes) == ["refresh_token_reused"] + ["session_revoked"] * 3
        assert is_revoked(server, latest)
        assert OutboxEmail.objects.filter(user=user, kind="refresh_token_reused").count() == 1
