"""Each endpoint that accepts a refresh token handles every token state by the rules of `/refresh`."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEvent, AuditKind, OutboxEmail, User
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.second_factor import enrol
from accounts.testing.service_client import make_service
from sessions_tracking import services as sessions
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]


@dataclass(frozen=True)
class PresentedToken:
    """`code` is the response code of `/refresh`. The token is presented after `days` days."""

    token: str
    code: str
    days: int = 0


State = Callable[[SignedIn], PresentedToken]


def _refresh(token: str) -> str:
    response = ApiClient().post("/refresh", {"refreshToken": token})
    assert response.status_code == 200, response.content
    return str(response.json()["data"]["tokens"]["refreshToken"])


def _retired_within_the_grace_period(alice: SignedIn) -> PresentedToken:
    _refresh(alice.refresh)
    return PresentedToken(alice.refresh, "ok")


def _retired_before_the_grace_period(alice: SignedIn) -> PresentedToken:
    _refresh(alice.refresh)
    Session.objects.filter(id=alice.session_id).update(rotated_at=datetime.now(UTC) - timedelta(seconds=11))
    return PresentedToken(alice.refresh, "refresh_token_reused")


def _successor_was_used(alice: SignedIn) -> PresentedToken:
    _refresh(_refresh(alice.refresh))
    return PresentedToken(alice.refresh, "refresh_token_reused")


def _of_a_revoked_session(alice: SignedIn) -> PresentedToken:
    sessions.revoke(session_id=uuid.UUID(alice.session_id), reason=RevokedReason.ADMIN)
    return PresentedToken(alice.refresh, "session_revoked")


STATES: dict[str, State] = {
    "current": lambda alice: PresentedToken(alice.refresh, "ok"),
    "retired within the grace period": _retired_within_the_grace_period,
    "retired before the grace period": _retired_before_the_grace_period,
    "successor was used": _successor_was_used,
    "expired": lambda alice: PresentedToken(alice.refresh, "token_expired", days=8),
    "of a revoked session": _of_a_revoked_session,
    "an access token": lambda alice: PresentedToken(alice.access, "token_invalid"),
    "an mfa token": lambda alice: PresentedToken(enrol(alice).pending(), "token_invalid"),
    "garbage": lambda _alice: PresentedToken("x.y.z", "token_invalid"),
}


@pytest.fixture
def other(signed_in: SignedIn, sign_in: SignIn) -> SignedIn:
    """A session of alice on another device."""
    return sign_in(signed_in.user)


@pytest.fixture(params=list(STATES.values()), ids=list(STATES))
def presented(request: pytest.FixtureRequest, signed_in: SignedIn, other: SignedIn) -> PresentedToken:
    state: State = request.param
    return state(signed_in)


def _post(path: str, presented: PresentedToken, by_cookie: bool, **body: Any) -> Any:
    api = ApiClient()
    if by_cookie:
        api.cookies["refreshToken"] = presented.token
    else:
        body["refreshToken"] = presented.token
    with time_machine.travel(datetime.now(UTC) + timedelta(days=presented.days), tick=False):
        return api.post(path, body)


def _assert_effect(signed_in: SignedIn, presented: PresentedToken, *, ends: str, events: Sequence[str]) -> None:
    """Assert how the token's own session ended. Only a reuse is audited and emailed, once."""
    session = Session.objects.get(id=signed_in.session_id)
    expected = RevokedReason.ADMIN if presented.code == "session_revoked" else ends
    assert session.revoked_reason == expected
    kinds = [AuditKind.REFRESH_TOKEN_REUSED, AuditKind.LOGOUT, AuditKind.SESSION_REVOKED]
    assert [event.kind for event in AuditEvent.objects.filter(kind__in=kinds)] == events
    is_reuse = ends == RevokedReason.REFRESH_REUSED
    assert OutboxEmail.objects.filter(kind="refresh_token_reused").count() == is_reuse


def _clears_cookies(response: Any) -> bool:
    return {name: cookie.value for name, cookie in response.cookies.items()} == {"jwt": "", "refreshToken": ""}


Outcome = tuple[str, list[AuditKind]]
_REUSE: Outcome = (RevokedReason.REFRESH_REUSED, [AuditKind.REFRESH_TOKEN_REUSED])


@pytest.mark.parametrize("by_cookie", [False, True])
def test_token_states_at_refresh(signed_in: SignedIn, presented: PresentedToken, by_cookie: bool) -> None:
    response = _post("/refresh", presented, by_cookie)

    assert response.json().get("code", "ok") == presented.code
    ends, events = _REUSE if presented.code == "refresh_token_reused" else ("", [])
    _assert_effect(signed_in, presented, ends=ends, events=events)


@pytest.mark.parametrize("by_cookie", [False, True])
@pytest.mark.parametrize("names_own_session", [False, True])
def test_token_states_at_logout(
    signed_in: SignedIn, other: SignedIn, presented: PresentedToken, by_cookie: bool, names_own_session: bool
) -> None:
    body = {"sessionId": signed_in.session_id} if names_own_session else {}

    response = _post("/logout", presented, by_cookie, **body)

    assert (response.status_code, _clears_cookies(response)) == (200, True)
    assert other.client.get("/me").status_code == 200
    outcome: dict[str, Outcome] = {"ok": (RevokedReason.LOGOUT, [AuditKind.LOGOUT]), "refresh_token_reused": _REUSE}
    ends, events = outcome.get(presented.code, ("", []))
    _assert_effect(signed_in, presented, ends=ends, events=events)


@pytest.mark.parametrize("by_cookie", [False, True])
def test_token_states_at_logout_of_another_session_of_the_owner(
    signed_in: SignedIn, other: SignedIn, presented: PresentedToken, by_cookie: bool
) -> None:
    """Only a valid token revokes the other session; a reused one does not."""
    response = _post("/logout", presented, by_cookie, sessionId=other.session_id)

    is_usable, is_reuse = presented.code == "ok", presented.code == "refresh_token_reused"
    assert response.status_code == 200
    assert _clears_cookies(response) is not is_usable
    assert (other.client.get("/me").status_code == 401) is is_usable
    ends, events = _REUSE if is_reuse else ("", [AuditKind.SESSION_REVOKED] if is_usable else [])
    _assert_effect(signed_in, presented, ends=ends, events=events)


@pytest.mark.parametrize("by_cookie", [False, True])
def test_token_states_at_logout_of_another_users_session(
    signed_in: SignedIn, presented: PresentedToken, by_cookie: bool, mallory: User, sign_in: SignIn
) -> None:
    foreign = sign_in(mallory)

    response = _post("/logout", presented, by_cookie, sessionId=foreign.session_id)

    assert response.status_code == (404 if presented.code == "ok" else 200)
    assert foreign.client.get("/me").status_code == 200
    ends, events = _REUSE if presented.code == "refresh_token_reused" else ("", [])
    _assert_effect(signed_in, presented, ends=ends, events=events)


@pytest.mark.parametrize("by_cookie", [False, True])
def test_logout_all_accepts_no_refresh_token(signed_in: SignedIn, presented: PresentedToken, by_cookie: bool) -> None:
    response = _post("/logout-all", presented, by_cookie)

    assert (response.status_code, response.json()["code"]) == (401, "authentication_required")
    _assert_effect(signed_in, presented, ends="", events=[])


def test_introspection_changes_nothing_in_any_token_state(signed_in: SignedIn, presented: PresentedToken) -> None:
    service = make_service()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=presented.days), tick=False):
        active = service.introspect(presented.token)["active"]

    is_current = (
        Session.objects.filter(id=signed_in.session_id, rotated_at=None).exists()
        and presented.token == signed_in.refresh
    )
    assert active is ((presented.code == "ok" and is_current) or presented.token == signed_in.access)
    _assert_effect(signed_in, presented, ends="", events=[])


def test_revocation_by_a_service_works_like_logout(signed_in: SignedIn, presented: PresentedToken) -> None:
    service = make_service()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=presented.days), tick=False):
        assert service.revoke(presented.token).status_code == 200

    by_service: Outcome = (RevokedReason.SERVICE, [AuditKind.SESSION_REVOKED])
    outcome: dict[str, Outcome] = {"ok": by_service, "refresh_token_reused": _REUSE}
    ends, events = by_service if presented.token == signed_in.access else outcome.get(presented.code, ("", []))
    _assert_effect(signed_in, presented, ends=ends, events=events)


def test_a_logout_after_a_lost_refresh_response_sends_no_alert(signed_in: SignedIn) -> None:
    successor = _refresh(signed_in.refresh)

    assert ApiClient().post("/logout", {"refreshToken": signed_in.refresh}).status_code == 200

    assert ApiClient().post("/refresh", {"refreshToken": successor}).json()["code"] == "session_revoked"
    assert not OutboxEmail.objects.exists()
