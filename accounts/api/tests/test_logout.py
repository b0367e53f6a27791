"""Logout of the current session, of another one and of all, with any remaining credential."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from rest_framework.response import Response

from accounts.models import User
from accounts.testing.api_client import ApiClient, SignedIn
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]


def _is_revoked(signed_in: SignedIn) -> bool:
    """Return whether the session is revoked, for the access token and the refresh token alike."""
    by_access = signed_in.client.get("/me").json().get("code") == "session_revoked"
    row = Session.objects.get(id=signed_in.session_id)
    assert by_access is (row.revoked_at is not None)
    if by_access:
        refreshed = ApiClient().post("/refresh", {"refreshToken": signed_in.refresh})
        assert refreshed.json()["code"] == "session_revoked"
    return by_access


def _clears_cookies(response: Response) -> bool:
    return all(
        response.cookies[name].value == ""
        and response.cookies[name]["max-age"] == 0
        and response.cookies[name]["path"] == path
        for name, path in (("jwt", "/"), ("refreshToken", "/api/auth"))
        if name in response.cookies
    ) and set(response.cookies) == {"jwt", "refreshToken"}


def test_logout_revokes_the_session_immediately_and_clears_the_cookies(signed_in: SignedIn) -> None:
    response = signed_in.client.post("/logout")

    assert response.status_code == 200
    assert _clears_cookies(response)
    assert _is_revoked(signed_in)
    assert Session.objects.get().revoked_reason == RevokedReason.LOGOUT


def test_logout_does_not_revoke_other_sessions(
    signed_in: SignedIn, alice: User, mallory: User, sign_in: SignIn
) -> None:
    others = [sign_in(alice), sign_in(mallory)]

    signed_in.client.post("/logout")

    assert not any(map(_is_revoked, others))


def test_logout_is_idempotent(signed_in: SignedIn) -> None:
    signed_in.client.post("/logout")
    revoked_at = Session.objects.get().revoked_at

    response = signed_in.client.post("/logout")

    assert response.status_code == 200
    assert _clears_cookies(response)
    assert Session.objects.get().revoked_at == revoked_at


@pytest.mark.parametrize("body", [None, {}, {"refreshToken": "x"}, {"refreshToken": None}, {"sessionId": None}])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer garbage"}, {"Authorization": "nonsense"}])
def test_logout_without_valid_credentials_clears_the_cookies(
    api: ApiClient, signed_in: SignedIn, body: dict[str, Any] | None, header: dict[str, str]
) -> None:
    response = api.post("/logout", body, headers=header)

    assert response.status_code == 200
    assert _clears_cookies(response)
    assert not _is_revoked(signed_in)


@pytest.mark.parametrize("by_cookie", [True, False])
def test_logout_with_an_expired_access_token_accepts_the_refresh_token(
    api: ApiClient, signed_in: SignedIn, by_cookie: bool
) -> None:
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {signed_in.access}")
    if by_cookie:
        api.cookies["refreshToken"] = signed_in.refresh

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        response = api.post("/logout", {} if by_cookie else {"refreshToken": signed_in.refresh})

    assert response.status_code == 200
    assert _clears_cookies(response)
    assert _is_revoked(signed_in)


def test_logout_with_cookies_alone_works_from_the_own_origin(api: ApiClient, signed_in: SignedIn) -> None:
    api.cookies["jwt"], api.cookies["refreshToken"] = signed_in.access, signed_in.refresh

    response = api.post("/logout", headers={"Origin": "http://testserver"})

    assert response.status_code == 200
    assert _is_revoked(signed_in)


@pytest.mark.parametrize("cookie", ["jwt", "refreshToken"])
def test_logout_with_cookies_from_another_site_is_rejected(api: ApiClient, signed_in: SignedIn, cookie: str) -> None:
    api.cookies[cookie] = signed_in.access if cookie == "jwt" else signed_in.refresh

    response = api.post("/logout", headers={"Origin": "https://evil.example"})

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
    assert not _is_revoked(signed_in)


def test_logout_of_another_own_session_keeps_the_cookies(signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    other = sign_in(alice)

    response = signed_in.client.post("/logout", {"sessionId": other.session_id})

    assert response.status_code == 200
    assert not response.cookies
    assert _is_revoked(other)
    assert not _is_revoked(signed_in)


def test_logout_with_the_id_of_the_current_session_clears_the_cookies(signed_in: SignedIn) -> None:
    response = signed_in.client.post("/logout", {"sessionId": signed_in.session_id})

    assert _clears_cookies(response)
    assert _is_revoked(signed_in)


def test_a_foreign_session_and_an_unknown_one_have_the_same_response(
    signed_in: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    attacker = sign_in(mallory)

    foreign = attacker.client.post("/logout", {"sessionId": signed_in.session_id})
    absent = attacker.client.post("/logout", {"sessionId": str(uuid4())})

    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert foreign.content == absent.content
    assert not foreign.cookies
    assert not _is_revoked(signed_in)
    assert not _is_revoked(attacker)


@pytest.mark.parametrize("session_id", ["0", "-1", "me", "%00", "../admin", "' OR 1=1--", "x" * 36])
def test_an_invalid_session_id_is_not_found(signed_in: SignedIn, session_id: str) -> None:
    assert signed_in.client.post("/logout", {"sessionId": session_id}).status_code == 404
    assert not _is_revoked(signed_in)


def test_logout_all_revokes_all_sessions_of_the_caller_only(
    signed_in: SignedIn, alice: User, mallory: User, sign_in: SignIn
) -> None:
    own, foreign = [signed_in, sign_in(alice), sign_in(alice)], sign_in(mallory)

    response = signed_in.client.post("/logout-all")

    assert (response.status_code, response.json()["data"]) == (200, {"revoked": 3})
    assert _clears_cookies(response)
    assert all(map(_is_revoked, own))
    assert not _is_revoked(foreign)


def test_logout_all_can_keep_the_current_session(signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    others = [sign_in(alice), sign_in(alice)]

    response = signed_in.client.post("/logout-all", {"exceptCurrent": True})

    assert response.json()["data"] == {"revoked": 2}
    assert not response.cookies
    assert all(map(_is_revoked, others))
    assert not _is_revoked(signed_in)


@pytest.mark.parametrize("value", ["true", 1, None, [], "no"])
def test_except_current_must_be_a_boolean(signed_in: SignedIn, value: object) -> None:
    response = signed_in.client.post("/logout-all", {"exceptCurrent": value})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert not _is_revoked(signed_in)


def test_logout_all_does_not_count_sessions_that_had_ended(signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    sign_in(alice).client.post("/logout")
    Session.objects.filter(id=sign_in(alice).session_id).update(expires_at=datetime.now(UTC) - timedelta(days=1))

    assert signed_in.client.post("/logout-all").json()["data"] == {"revoked": 1}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_logout_accepts_only_post(api: ApiClient, signed_in: SignedIn, method: str) -> None:
    api.cookies["jwt"] = signed_in.access

    response = api.generic(method, "/logout", headers={"X-HTTP-Method-Override": "POST"})

    assert response.status_code == 405
    assert not _is_revoked(signed_in)
