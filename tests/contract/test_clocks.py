"""A clock that jumps: used or revoked credentials stay invalid, no user is locked out, and sessions keep their expiry."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.models import Session

HOUR = timedelta(hours=1)
WEEK = timedelta(days=8)


def _after(jump: timedelta) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + jump, tick=True)


def _refreshed(token: str) -> dict[str, Any]:
    response = ApiClient().post("/refresh", {"refreshToken": token})
    assert response.status_code == 200, response.content
    return dict(response.json()["data"]["tokens"])


def _refresh_code(token: str) -> str:
    return str(ApiClient().post("/refresh", {"refreshToken": token}).json()["code"])


def _status(token: str) -> int:
    return int(ApiClient().bearing(token).get("/me").status_code)


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])
def test_refreshes_continue_across_a_clock_jump_and_back(signed_in: SignedIn, jump: timedelta) -> None:
    end = Session.objects.get().absolute_expires_at

    with _after(jump):
        there = _refreshed(signed_in.refresh)
        assert _status(there["accessToken"]) == 200
    back = _refreshed(there["refreshToken"])

    assert _status(back["accessToken"]) == 200
    assert Session.objects.get().absolute_expires_at == end
    assert Session.objects.get().expires_at <= end


def test_a_token_rotated_in_the_future_has_no_grace_period(
    signed_in: SignedIn,
) -> None:
    with _after(HOUR):
        successor = _refreshed(signed_in.refresh)

    assert _refresh_code(signed_in.refresh) == "refresh_token_reused"

    assert _refresh_code(successor["refreshToken"]) == "session_revoked"
    assert _status(successor["accessToken"]) == 401


def test_a_lost_response_and_a_jump_ahead_are_reported_as_reuse(signed_in: SignedIn) -> None:
    _refreshed(signed_in.refresh)

    with _after(HOUR):
        assert _refresh_code(signed_in.refresh) == "refresh_token_reused"
        assert _refresh_code(signed_in.refresh) == "session_revoked"


@pytest.mark.parametrize("jump", [timedelta(seconds=5), timedelta(seconds=-5)], ids=["ahead", "behind"])
def test_a_retry_after_a_lost_response_works_with_clocks_five_seconds_apart(
    signed_in: SignedIn, jump: timedelta
) -> None:
    with _after(jump):
        lost = _refreshed(signed_in.refresh)

    assert _refreshed(signed_in.refresh)["refreshToken"] == lost["refreshToken"]


@pytest.mark.parametrize("jump", [HOUR, -HOUR, WEEK, -WEEK], ids=["hour", "hour back", "week", "week back"])
def test_a_revoked_session_stays_revoked_at_any_time(signed_in: SignedIn, jump: timedelta) -> None:
    with _after(jump):
        signed_in.client.post("/logout", {"refreshToken": signed_in.refresh})
    if jump == WEEK:  # by that clock both tokens had expired, and no session was left to revoke
        signed_in.client.post("/logout")

    for offset in (jump, -jump, timedelta(0)):
        with _after(offset):
            assert _refresh_code(signed_in.refresh) in {"session_revoked", "token_expired"}
            assert _status(signed_in.access) == 401


def test_requests_while_the_clock_is_a_week_ahead_do_not_lock_the_user_out(signed_in: SignedIn) -> None:
    assert _status(signed_in.access) == 200
    with _after(WEEK):
        assert _refresh_code(signed_in.refresh) == "token_expired"
        assert _status(signed_in.access) == 401

    assert _status(signed_in.access) == 200
    assert _status(_refreshed(signed_in.refresh)["accessToken"]) == 200
