"""A clock that jumps: used or revoked credentials stay invalid, no user is locked out, and sessions keep their expiry."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import User
from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.models import Session

HOUR = timedelta(hours=1)
WEEK = timedelta(days=8)


@pytest.fixture
def signed_in(alice: User, sign_in: Callable[..., SignedIn]) -> SignedIn:
    return sign_in(alice)


def _after(jump: timedelta) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + jump, tick=True)


def _refreshed(token: str) -> dict[str, Any]:
    reply = ApiClient().post("/refresh", {"refreshToken": token})
    assert reply.status_code == 200, reply.content
    return dict(reply.json()["data"]["tokens"])


def _refresh_code(token: str) -> str:
    return str(ApiClient().post("/refresh", {"refreshToken": token}).json()["code"])


def _status(token: str) -> int:
    return int(ApiClient().bearing(token).get("/me").status_code)


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_chain_of_refreshes_goes_on_over_a_jump_and_back(signed_in: SignedIn, jump: timedelta) -> None:
    end = Session.objects.get().absolute_expires_at

    with _after(jump):
        there = _refreshed(signed_in.refresh)
        assert _status(there["accessToken"]) == 200
    back = _refreshed(there["refreshToken"])

    assert _status(back["accessToken"]) == 200
    assert Session.objects.get().absolute_expires_at == end
    assert Session.objects.get().expires_at <= end


def test_a_token_retired_before_the_clock_was_set_back_is_not_excused_until_it_has_caught_up(
    signed_in: SignedIn,
) -> None:
    with _after(HOUR):
        successor = _refreshed(signed_in.refresh)

    assert _refresh_code(signed_in.refresh) == "refresh_token_reused"

    assert _refresh_code(successor["refreshToken"]) == "session_revoked"
    assert _status(successor["accessToken"]) == 401


def test_a_lost_answer_and_a_jump_ahead_are_a_clean_refusal(signed_in: SignedIn) -> None:
    _refreshed(signed_in.refresh)

    with _after(HOUR):
        assert _refresh_code(signed_in.refresh) == "refresh_token_reused"
        assert _refresh_code(signed_in.refresh) == "session_revoked"


@pytest.mark.parametrize("jump", [timedelta(seconds=5), timedelta(seconds=-5)], ids=["ahead", "behind"])
def test_clocks_that_differ_by_five_seconds_excuse_a_lost_answer(signed_in: SignedIn, jump: timedelta) -> None:
    with _after(jump):
        lost = _refreshed(signed_in.refresh)

    assert _refreshed(signed_in.refresh)["refreshToken"] == lost["refreshToken"]


@pytest.mark.parametrize("jump", [HOUR, -HOUR, WEEK, -WEEK], ids=["hour", "hour back", "week", "week back"])
def test_what_was_revoked_stays_so_whatever_the_clock_says(signed_in: SignedIn, jump: timedelta) -> None:
    with _after(jump):
        signed_in.client.post("/logout", {"refreshToken": signed_in.refresh})
    if jump == WEEK:  # by that clock both tokens had expired, and there was nothing to end
        signed_in.client.post("/logout")

    for moment in (jump, -jump, timedelta(0)):
        with _after(moment):
            assert _refresh_code(signed_in.refresh) in {"session_revoked", "token_expired"}
            assert _status(signed_in.access) == 401


def test_who_came_while_the_clock_was_a_week_ahead_is_not_locked_out_afterwards(signed_in: SignedIn) -> None:
    assert _status(signed_in.access) == 200
    with _after(WEEK):
        assert _refresh_code(signed_in.refresh) == "token_expired"
        assert _status(signed_in.access) == 401

    assert _status(signed_in.access) == 200
    assert _status(_refreshed(signed_in.refresh)["accessToken"]) == 200
