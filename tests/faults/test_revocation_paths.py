"""Every revocation takes effect at once, on every node, for both tokens, and for no other session."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import DjangoDbBlocker

from accounts.models import Role, User
from accounts.testing.cast import Tokens, log_in, me, refresh, signed_in, someone, tokens_of
from core.testing import live_database, live_server
from core.testing.live_server import ApiRequest, LiveServer
from sessions_tracking.models import Session
from tests.faults.out_of_band_changes import CHANGES, Change, in_admin, post_in_admin, remove_password
from tests.faults.revocation_paths import (
    ALL,
    SINGLE,
    RevocationPath,
    Scenario,
    administrator,
    is_alive,
    is_revoked,
    make_scenario,
)

pytestmark = pytest.mark.faults


@dataclass(frozen=True)
class Nodes:
    """`here` receives the revocation, `there` is another server; this process is a third one, with a shell and the admin."""

    here: LiveServer
    there: LiveServer
    admin: str
    other_user: Tokens


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Nodes]:
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    single_worker = {"WEB_WORKERS": "1"}
    with (
        live_database.in_use(here, django_db_blocker),
        live_server.running(here, **single_worker, BCRYPT_ROUNDS="5") as first,
        live_server.running(there, **single_worker) as second,
    ):
        yield Nodes(first, second, administrator(first), signed_in(first, someone()))


@pytest.fixture
def scenario(nodes: Nodes) -> Scenario:
    """A scenario whose tokens the other node has in its principal cache."""
    scenario = make_scenario(nodes.here, nodes.admin)
    assert all(is_alive(nodes.there, tokens) for tokens in (scenario.tokens, scenario.other, nodes.other_user))
    return scenario


@pytest.mark.parametrize("revoke", SINGLE.values(), ids=SINGLE.keys())
def test_revoking_one_session_revokes_it_on_every_node_and_no_other(
    nodes: Nodes, scenario: Scenario, revoke: RevocationPath
) -> None:
    assert nodes.here.send(revoke(scenario)).status == 200

    assert is_revoked(nodes.there, scenario.tokens)
    assert is_alive(nodes.there, scenario.other)
    assert is_alive(nodes.there, nodes.other_user)


@pytest.mark.parametrize("revoke", ALL.values(), ids=ALL.keys())
def test_revoking_all_sessions_of_a_user_revokes_them_on_every_node_and_no_others(
    nodes: Nodes, scenario: Scenario, revoke: RevocationPath
) -> None:
    assert nodes.here.send(revoke(scenario)).status == 200

    _assert_all_revoked(nodes, scenario)


@pytest.mark.parametrize(("cookie", "token"), [("jwt", "access"), ("refreshToken", "refresh")])
def test_a_logout_by_cookie_revokes_the_session_on_every_node(
    nodes: Nodes, scenario: Scenario, cookie: str, token: str
) -> None:
    head = f"POST /api/auth/logout HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}={getattr(scenario.tokens, token)}"

    assert nodes.here.send_bytes(f"{head}\r\nContent-Length: 0\r\n\r\n".encode()).status == 200

    assert is_revoked(nodes.there, scenario.tokens)
    assert is_alive(nodes.there, scenario.other)


def test_reusing_a_stolen_refresh_token_revokes_the_session_on_every_node(nodes: Nodes, scenario: Scenario) -> None:
    current = tokens_of(nodes.here.send(refresh(scenario.tokens.refresh)))
    latest = tokens_of(nodes.here.send(refresh(current.refresh)))

    assert nodes.here.send(refresh(scenario.tokens.refresh)).code == "refresh_token_reused"

    assert is_revoked(nodes.there, latest)
    assert is_alive(nodes.there, scenario.other)


def test_a_session_beyond_the_limit_is_revoked_on_every_node(nodes: Nodes, scenario: Scenario) -> None:
    for _ in range(19):
        signed_in(nodes.here, scenario.user)

    assert is_revoked(nodes.there, scenario.tokens)
    assert is_alive(nodes.there, scenario.other)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changes_outside_the_api_revoke_all_sessions_on_every_node(
    nodes: Nodes, scenario: Scenario, change: Change
) -> None:
    change(scenario)

    _assert_all_revoked(nodes, scenario)


def test_removing_a_password_in_the_admin_revokes_all_sessions_on_every_node(nodes: Nodes, scenario: Scenario) -> None:
    remove_password(scenario)

    _assert_all_revoked(nodes, scenario)


def test_the_admin_has_no_bulk_deletion(nodes: Nodes, scenario: Scenario) -> None:
    """Bulk deletion would skip the cache invalidation and the check for the last administrator."""
    response = post_in_admin(scenario, "", action="delete_selected", _selected_action="{user}", post="yes")

    assert response.status_code == 302  # back to the list, because the action does not exist
    assert User.objects.filter(id=scenario.user.id).exists()
    assert is_alive(nodes.there, scenario.tokens)


@pytest.mark.parametrize("promoted_by", ["api", "admin"])
def test_a_role_change_applies_to_the_next_request_on_every_node(
    nodes: Nodes, scenario: Scenario, promoted_by: str
) -> None:
    def set_role(role: Role) -> None:
        if promoted_by == "admin":
            in_admin("{user}/change/", role=role, is_active="on")(scenario)
        else:
            assert nodes.here.send(_role(scenario, role)).status == 200

    list_users = ApiRequest("GET", "/users", token=scenario.tokens.access)
    for role, status in [(Role.ADMIN, 200), (Role.USER, 403)] * 3:
        set_role(role)
        assert {node.send(list_users).status for node in (nodes.there, nodes.here)} == {status}

    assert is_alive(nodes.there, scenario.tokens)


def test_after_concurrent_role_changes_every_node_uses_the_committed_role(nodes: Nodes, scenario: Scenario) -> None:
    list_users = ApiRequest("GET", "/users", token=scenario.tokens.access)
    for _ in range(30):
        nodes.here.send_at_once([_role(scenario, role) for role in (Role.ADMIN, Role.USER)])

        is_admin = User.objects.get(id=scenario.user.id).role == Role.ADMIN
        assert nodes.there.send(list_users).status == (200 if is_admin else 403)


def test_rehashing_a_password_at_login_revokes_no_session(nodes: Nodes, scenario: Scenario) -> None:
    user = someone()  # with a hash of this process, which is cheaper than the one of the node
    session = signed_in(nodes.there, user)
    assert is_alive(nodes.there, session)

    assert nodes.here.send(log_in(user)).status == 200

    assert User.objects.get(id=user.id).password != user.password
    assert is_alive(nodes.there, session)
    assert nodes.there.send(refresh(session.refresh)).status == 200


def _role(scenario: Scenario, role: Role) -> ApiRequest:
    return ApiRequest("PATCH", f"/users/{scenario.user.id}", {"role": role}, scenario.admin)


def _assert_all_revoked(nodes: Nodes, scenario: Scenario) -> None:
    assert is_revoked(nodes.there, scenario.tokens)
    assert is_revoked(nodes.there, scenario.other)
    assert is_alive(nodes.there, nodes.other_user)
    assert nodes.there.send(me(nodes.admin)).status == 200
    assert not Session.objects.filter(user=scenario.user.id, revoked_at=None).exists()
