"""Every door that must revoke, revokes: at once, on another node, for both tokens, and for nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import Role, User
from accounts.testing.cast import Tokens, log_in, me, refresh, signed_in, someone, tokens_of
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer
from sessions_tracking.models import Session
from tests.faults.out_of_band_changes import DEEDS, Deed, in_the_admin, post_in_the_admin, take_the_password_away
from tests.faults.revocation_paths import (
    OF_ALL,
    OF_ONE,
    LoginSurface,
    Scene,
    administrator,
    is_alive,
    is_dead,
    set_scene,
)

pytestmark = pytest.mark.faults


@dataclass(frozen=True)
class Nodes:
    """`here` is where a door is opened, `there` another server; this process is a third one, with a shell and the admin."""

    here: LiveServer
    there: LiveServer
    admin: str
    stranger: Tokens


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Nodes]:
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    one = {"WEB_WORKERS": "1"}
    with (
        live_database.in_use(here, django_db_blocker),
        live_server.running(here, **one, BCRYPT_ROUNDS="5") as first,
        live_server.running(there, **one) as second,
    ):
        yield Nodes(first, second, administrator(first), signed_in(first, someone()))


@pytest.fixture
def scene(nodes: Nodes) -> Scene:
    """The other node has seen every token, and remembers whom it stands for."""
    scene = set_scene(nodes.here, nodes.admin)
    assert all(is_alive(nodes.there, tokens) for tokens in (scene.tokens, scene.other, nodes.stranger))
    return scene


@pytest.mark.parametrize("door", OF_ONE.values(), ids=OF_ONE.keys())
def test_a_door_of_one_session_ends_it_everywhere_and_no_other(nodes: Nodes, scene: Scene, door: LoginSurface) -> None:
    assert nodes.here.send(door(scene)).status == 200

    assert is_dead(nodes.there, scene.tokens)
    assert is_alive(nodes.there, scene.other)
    assert is_alive(nodes.there, nodes.stranger)


@pytest.mark.parametrize("door", OF_ALL.values(), ids=OF_ALL.keys())
def test_a_door_of_all_sessions_ends_them_everywhere_and_nobody_elses(
    nodes: Nodes, scene: Scene, door: LoginSurface
) -> None:
    assert nodes.here.send(door(scene)).status == 200

    _assert_all_ended(nodes, scene)


@pytest.mark.parametrize(("cookie", "token"), [("jwt", "access"), ("refreshToken", "refresh")])
def test_a_logout_by_cookie_ends_the_session_everywhere(nodes: Nodes, scene: Scene, cookie: str, token: str) -> None:
    head = f"POST /api/auth/logout HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}={getattr(scene.tokens, token)}"

    assert nodes.here.send_bytes(f"{head}\r\nContent-Length: 0\r\n\r\n".encode()).status == 200

    assert is_dead(nodes.there, scene.tokens)
    assert is_alive(nodes.there, scene.other)


def test_a_stolen_refresh_token_that_is_used_again_ends_the_session_everywhere(nodes: Nodes, scene: Scene) -> None:
    current = tokens_of(nodes.here.send(refresh(scene.tokens.refresh)))
    latest = tokens_of(nodes.here.send(refresh(current.refresh)))

    assert nodes.here.send(refresh(scene.tokens.refresh)).code == "refresh_token_reused"

    assert is_dead(nodes.there, latest)
    assert is_alive(nodes.there, scene.other)


def test_the_session_that_gives_way_to_new_ones_ends_everywhere(nodes: Nodes, scene: Scene) -> None:
    for _ in range(19):
        signed_in(nodes.here, scene.user)

    assert is_dead(nodes.there, scene.tokens)
    assert is_alive(nodes.there, scene.other)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_what_is_done_outside_the_api_ends_all_sessions_everywhere(nodes: Nodes, scene: Scene, deed: Deed) -> None:
    deed(scene)

    _assert_all_ended(nodes, scene)


def test_a_password_that_the_admin_takes_away_ends_all_sessions_everywhere(nodes: Nodes, scene: Scene) -> None:
    take_the_password_away(scene)

    _assert_all_ended(nodes, scene)


def test_the_admin_offers_no_deletion_by_the_list(nodes: Nodes, scene: Scene) -> None:
    """It would delete rows without a word to Redis, and the last administrator among many."""
    reply = post_in_the_admin(scene, "", action="delete_selected", _selected_action="{user}", post="yes")

    assert reply.status_code == 302  # back to the list, with a word that there is no such action
    assert User.objects.filter(id=scene.user.id).exists()
    assert is_alive(nodes.there, scene.tokens)


@pytest.mark.parametrize("promoted_by", ["api", "admin"])
def test_a_change_of_role_takes_hold_everywhere_with_the_next_request(
    nodes: Nodes, scene: Scene, promoted_by: str
) -> None:
    def become(role: Role) -> None:
        if promoted_by == "admin":
            in_the_admin("{user}/change/", role=role, is_active="on")(scene)
        else:
            assert nodes.here.send(_role(scene, role)).status == 200

    listing = ApiRequest("GET", "/users", token=scene.tokens.access)
    for role, status in [(Role.ADMIN, 200), (Role.USER, 403)] * 3:
        become(role)
        assert {node.send(listing).status for node in (nodes.there, nodes.here)} == {status}

    assert is_alive(nodes.there, scene.tokens)


def test_of_two_changes_of_role_at_once_everybody_acts_by_the_one_that_stands(nodes: Nodes, scene: Scene) -> None:
    listing = ApiRequest("GET", "/users", token=scene.tokens.access)
    for _ in range(30):
        nodes.here.send_at_once([_role(scene, role) for role in (Role.ADMIN, Role.USER)])

        is_admin = User.objects.get(id=scene.user.id).role == Role.ADMIN
        assert nodes.there.send(listing).status == (200 if is_admin else 403)


def test_a_hash_that_is_renewed_at_login_ends_nothing(nodes: Nodes, scene: Scene) -> None:
    user = someone()  # with a hash of this process, which is cheaper than the one of the node
    session = signed_in(nodes.there, user)
    assert is_alive(nodes.there, session)

    assert nodes.here.send(log_in(user)).status == 200

    assert User.objects.get(id=user.id).password != user.password
    assert is_alive(nodes.there, session)
    assert nodes.there.send(refresh(session.refresh)).status == 200


def _role(scene: Scene, role: Role) -> ApiRequest:
    return ApiRequest("PATCH", f"/users/{scene.user.id}", {"role": role}, scene.admin)


def _assert_all_ended(nodes: Nodes, scene: Scene) -> None:
    assert is_dead(nodes.there, scene.tokens)
    assert is_dead(nodes.there, scene.other)
    assert is_alive(nodes.there, nodes.stranger)
    assert nodes.there.send(me(nodes.admin)).status == 200
    assert not Session.objects.filter(user=scene.user.id, revoked_at=None).exists()
