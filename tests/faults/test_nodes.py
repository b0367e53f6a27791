"""Two API nodes on one database and one Redis: a change on one node applies to the next request on the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.models import Role, User
from accounts.testing.cast import Tokens, me, refresh, signed_in, someone, tokens_of
from core.testing.live_server import ApiRequest
from tests.faults.conftest import Nodes

pytestmark = pytest.mark.faults


@pytest.fixture
def cached_tokens(nodes: Nodes) -> Tokens:
    """Tokens of a session that both nodes have used, so that its principal is cached."""
    tokens = signed_in(nodes.here, someone())
    for node in nodes.both * 2:
        assert node.send(me(tokens.access)).status == 200
    return tokens


def test_a_revocation_on_one_node_applies_to_the_next_request_on_the_other(nodes: Nodes) -> None:
    for here, there in (nodes.both, nodes.both[::-1]) * 5:
        tokens = signed_in(here, someone())
        assert there.send(me(tokens.access)).status == 200

        assert here.send(ApiRequest("POST", "/logout", token=tokens.access)).status == 200

        assert there.send(me(tokens.access)).code == "session_revoked"
        assert there.send(refresh(tokens.refresh)).code == "session_revoked"


def test_requests_in_flight_during_a_logout_leave_no_cached_session(nodes: Nodes) -> None:
    for _ in range(10):
        user = someone()
        tokens = signed_in(nodes.here, user)
        nodes.redis.client.flushall()

        nodes.there.send_at_once([me(tokens.access)] * 6 + [refresh(tokens.refresh)])
        nodes.redis.client.flushall()
        racing = (
            [me(tokens.access)] * 4 + [ApiRequest("POST", "/logout", token=tokens.access)] + [me(tokens.access)] * 4
        )
        nodes.here.send_at_once(racing)

        for node in nodes.both:
            assert node.send(me(tokens.access)).code == "session_revoked"


def test_a_role_change_on_one_node_applies_to_the_next_request_on_the_other(
    nodes: Nodes, cached_tokens: Tokens
) -> None:
    admin = someone()
    User.objects.filter(id=admin.id).update(role=Role.ADMIN)
    admin_tokens = signed_in(nodes.here, admin)
    user_id = nodes.there.send(me(cached_tokens.access)).data["user"]["id"]
    assert nodes.there.send(ApiRequest("GET", "/users", token=cached_tokens.access)).code == "permission_denied"

    for role, status in (("ADMIN", 200), ("USER", 403)) * 3:
        assert (
            nodes.here.send(ApiRequest("PATCH", f"/users/{user_id}", {"role": role}, admin_tokens.access)).status == 200
        )
        assert nodes.there.send(ApiRequest("GET", "/users", token=cached_tokens.access)).status == status


def test_tokens_refreshed_on_one_node_are_accepted_on_the_other(nodes: Nodes, cached_tokens: Tokens) -> None:
    renewed = cached_tokens
    for node in nodes.both * 3:
        renewed = tokens_of(node.send(refresh(renewed.refresh)))

    assert all(node.send(me(renewed.access)).status == 200 for node in nodes.both)


def test_a_refresh_token_sent_to_both_nodes_at_once_yields_one_token_family(
    nodes: Nodes, cached_tokens: Tokens
) -> None:
    current = cached_tokens
    for _ in range(10):
        with ThreadPoolExecutor(2) as pool:
            responses = list(pool.map(lambda node, token=current.refresh: node.send(refresh(token)), nodes.both))

        assert len({tokens_of(response).refresh for response in responses}) == 1
        current = tokens_of(responses[0])
