"""Refreshes that race each other, a door, or a theft: one lineage, or a clean refusal, and nothing minted outlives a door."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import OutboxEmail
from accounts.testing.cast import refresh, signed_in, someone, tokens_of
from core.testing import live_server
from core.testing.live_server import LiveServer
from tests.faults.lineage import is_current, the_one
from tests.faults.revocation_paths import OF_ALL, OF_ONE, LoginSurface, administrator, is_alive, is_dead, set_scene

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROUNDS = 30
DOORS = {**OF_ONE, **OF_ALL}


@pytest.fixture(scope="module")
def server(faults_folder: Path) -> Iterator[LiveServer]:
    with live_server.running(faults_folder) as running:
        yield running


@pytest.mark.parametrize("racers", [2, 20])
def test_refreshes_at_once_leave_one_lineage(server: LiveServer, racers: int) -> None:
    tokens = signed_in(server, someone())
    for _ in range(ROUNDS):
        tokens = the_one(server.send_at_once([refresh(tokens.refresh)] * racers))
        assert is_current(tokens)
    assert is_alive(server, tokens)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_nothing_that_a_refresh_minted_survives_the_door_that_it_raced(server: LiveServer, door: LoginSurface) -> None:
    admin = administrator(server)
    for _ in range(ROUNDS):
        scene = set_scene(server, admin)

        ending, *replies = server.send_at_once([door(scene), *[refresh(scene.tokens.refresh)] * 3])

        assert ending.status == 200, ending
        assert {reply.code for reply in replies} <= {"ok", "session_revoked"}, replies
        minted = {tokens_of(reply) for reply in replies if reply.status == 200}
        assert all(is_dead(server, tokens) for tokens in {scene.tokens, *minted})


@pytest.mark.parametrize(
    "name", ["deletion of the account", "an administrator deactivates", "an administrator deletes"]
)
def test_a_theft_that_comes_to_light_during_the_end_of_an_account_is_no_deadlock(server: LiveServer, name: str) -> None:
    admin = administrator(server)
    for _ in range(ROUNDS):
        scene = set_scene(server, admin)
        latest = tokens_of(server.send(refresh(tokens_of(server.send(refresh(scene.tokens.refresh))).refresh)))

        ending, *replies = server.send_at_once([OF_ALL[name](scene), *[refresh(scene.tokens.refresh)] * 3])

        assert ending.status == 200, ending
        assert {reply.code for reply in replies} <= {"refresh_token_reused", "session_revoked"}, replies
        assert is_dead(server, latest)


def test_a_theft_that_many_commit_at_once_is_punished_before_anybody_is_told(server: LiveServer) -> None:
    for _ in range(ROUNDS):
        user = someone()
        stolen = signed_in(server, user)
        latest = tokens_of(server.send(refresh(tokens_of(server.send(refresh(stolen.refresh))).refresh)))

        codes = [reply.code for reply in server.send_at_once([refresh(stolen.refresh)] * 4)]

        assert sorted(codes) == ["refresh_token_reused"] + ["session_revoked"] * 3
        assert is_dead(server, latest)
        assert OutboxEmail.objects.filter(user=user, kind="refresh_token_reused").count() == 1
