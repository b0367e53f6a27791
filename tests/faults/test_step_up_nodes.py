"""A step-up on one API node applies to the next request on the other, with the same token, whatever Redis does."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from accounts.testing.api_client import PASSWORD
from accounts.testing.cast import Tokens, me, refresh, signed_in, someone, tokens_of
from core.testing.live_server import ApiRequest
from sessions_tracking.models import Session
from tests.faults.conftest import Nodes, timed
from tests.faults.redis_faults import FAULTS, Fault

pytestmark = pytest.mark.faults


def _sensitive(tokens: Tokens) -> ApiRequest:
    """A request that passes with an authentication of the last minute only."""
    return ApiRequest("GET", "/forward-auth?max_age=60", token=tokens.access)


def _confirm(tokens: Tokens) -> ApiRequest:
    return ApiRequest("POST", "/reauthenticate", {"password": PASSWORD}, tokens.access)


def _grow_old(nodes: Nodes, *users: User) -> None:
    """Date the authentication of the users' sessions back, on all nodes."""
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    assert Session.objects.filter(user__in=users).update(authenticated_at=hour_ago)
    nodes.redis.client.flushall()


def _signed_in_long_ago(nodes: Nodes) -> Tokens:
    user = someone()
    tokens = signed_in(nodes.here, user)
    _grow_old(nodes, user)
    for node in nodes.both * 2:
        assert node.send(_sensitive(tokens)).code == "reauthentication_required"
    return tokens


def test_a_step_up_on_one_node_applies_to_the_next_request_on_the_other(nodes: Nodes) -> None:
    for here, there in (nodes.both, nodes.both[::-1]) * 3:
        tokens, other = _signed_in_long_ago(nodes), _signed_in_long_ago(nodes)

        assert here.send(_confirm(tokens)).status == 200

        assert there.send(_sensitive(tokens)).status == 200
        assert here.send(_sensitive(tokens)).status == 200
        assert there.send(_sensitive(other)).code == "reauthentication_required"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_step_up_applies_on_both_nodes_while_redis_is_and_afterwards(nodes: Nodes, fault: Fault) -> None:
    tokens, other = _signed_in_long_ago(nodes), _signed_in_long_ago(nodes)

    fault(nodes.redis)

    assert timed(nodes.here, _confirm(tokens)).status == 200
    for node in nodes.both:
        assert timed(node, _sensitive(tokens)).status == 200
    nodes.redis.repair()
    for node in nodes.both * 3:
        assert node.send(_sensitive(tokens)).status == 200
        assert node.send(_sensitive(other)).code == "reauthentication_required"


def test_a_step_up_that_races_a_logout_never_restores_the_session(nodes: Nodes) -> None:
    for _ in range(10):
        tokens = _signed_in_long_ago(nodes)
        log_out = ApiRequest("POST", "/logout", token=tokens.access)

        responses = nodes.here.send_at_once([_confirm(tokens)] * 3 + [log_out] + [_confirm(tokens)] * 3)

        assert {response.code for response in responses} <= {"ok", "session_revoked"}
        for node in nodes.both * 2:
            assert node.send(_sensitive(tokens)).code == "session_revoked"
            assert node.send(me(tokens.access)).code == "session_revoked"
        assert nodes.there.send(refresh(tokens.refresh)).code == "session_revoked"


def test_a_step_up_and_a_refresh_at_once_are_both_kept(nodes: Nodes) -> None:
    for _ in range(10):
        tokens = _signed_in_long_ago(nodes)

        confirmed, refreshed = nodes.here.send_at_once([_confirm(tokens), refresh(tokens.refresh)])

        assert (confirmed.status, refreshed.status) == (200, 200)
        renewed = tokens_of(refreshed)
        for node in nodes.both:
            assert node.send(_sensitive(renewed)).status == 200
            assert node.send(_sensitive(tokens)).status == 200
        assert nodes.there.send(refresh(renewed.refresh)).status == 200
