"""`POST /refresh` rotates tokens, repeats a lost response within a grace period, and revokes the session on reuse."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.core.mail import EmailMessage
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import OutboxEmail, Role, User
from accounts.services import refresh
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.tokens import session_tokens
from sessions_tracking import rotation, services
from sessions_tracking.client_info import ClientInfo
from sessions_tracking.exceptions import RefreshTokenRetired
from sessions_tracking.models import RevokedReason, Session

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

EVIL = "https://evil.example"


def _refresh(api: ApiClient, token: str) -> dict[str, Any]:
    response = api.post("/refresh", {"refreshToken": token}, headers={"X-Token-Transport": "body"})
    assert response.status_code == 200, response.content
    return dict(response.json()["data"])


def _assert_rejected(token: Any, code: str) -> None:
    response = ApiClient().post("/refresh", {"refreshToken": token})
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response["WWW-Authenticate"] == "Bearer"
    assert not response.cookies


def _after(**elapsed: float) -> time_machine.travel:
    return time_machine.travel(datetime.now(UTC) + timedelta(**elapsed), tick=False)


@pytest.mark.parametrize("path", ["/refresh", "/refresh-token", "/refresh/", "/refresh-token/"])
def test_a_refresh_returns_a_new_pair_in_the_same_session(api: ApiClient, signed_in: SignedIn, path: str) -> None:
    response = api.post(path, {"refreshToken": signed_in.refresh})

    data = response.json()["data"]
    assert set(data) == {"token", "tokens", "session"}
    assert data["token"] == data["tokens"]["accessToken"] == response.cookies["jwt"].value
    assert data["tokens"]["refreshToken"] == response.cookies["refreshToken"].value
    assert data["tokens"]["refreshToken"] != signed_in.refresh
    assert data["session"]["id"] == signed_in.session_id
    assert api.bearing(data["token"]).get("/me").status_code == 200


@pytest.mark.parametrize("path", ["/Refresh", "/REFRESH", "/refresh-Token/", "/api/Auth/refresh"])
def test_the_refresh_path_is_case_sensitive(api: ApiClient, signed_in: SignedIn, path: str) -> None:
    assert api.post(path, {"refreshToken": signed_in.refresh}).json()["code"] == "not_found"
    assert Session.objects.get().rotated_at is None


def test_a_chain_of_refreshes_keeps_one_row_and_extends_its_expiry(api: ApiClient, signed_in: SignedIn) -> None:
    token, first_end = signed_in.refresh, Session.objects.get().expires_at

    for minutes in range(5):
        with _after(minutes=minutes + 1):
            token = _refresh(api, token)["tokens"]["refreshToken"]

    session = Session.objects.get()
    assert str(session.id) == signed_in.session_id
    assert session.expires_at - first_end >= timedelta(minutes=4)
    assert session.last_seen_at == session.updated_at == session.rotated_at


def test_a_retired_token_gets_the_same_successor_within_the_grace_period(api: ApiClient, signed_in: SignedIn) -> None:
    first = _refresh(api, signed_in.refresh)
    row = Session.objects.values().get()

    again = _refresh(api, signed_in.refresh)

    assert again["tokens"]["refreshToken"] == first["tokens"]["refreshToken"]
    assert Session.objects.values().get() == row
    assert api.bearing(again["token"]).get("/me").status_code == 200
    assert not OutboxEmail.objects.exists()


def test_the_grace_period_starts_at_the_first_rotation(api: ApiClient, signed_in: SignedIn) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    with time_machine.travel(start, tick=False) as clock:
        _refresh(api, signed_in.refresh)
        clock.shift(9)
        _refresh(api, signed_in.refresh)
        clock.shift(1)

        _assert_rejected(signed_in.refresh, "refresh_token_reused")


def test_reuse_after_the_grace_period_revokes_the_session_and_notifies_its_owner_once(
    api: ApiClient, signed_in: SignedIn, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    successor = _refresh(api, signed_in.refresh)

    with _after(seconds=11):
        _assert_rejected(signed_in.refresh, "refresh_token_reused")
        _assert_rejected(signed_in.refresh, "session_revoked")
        _assert_rejected(successor["tokens"]["refreshToken"], "session_revoked")
        assert api.bearing(successor["token"]).get("/me").json()["code"] == "session_revoked"
        assert [email.to for email in outbox()] == [["alice@example.com"]]

    assert Session.objects.get().revoked_reason == RevokedReason.REFRESH_REUSED
    assert [str(email.kind) for email in OutboxEmail.objects.all()] == ["refresh_token_reused"]
    warnings = [record.getMessage() for record in caplog.records if record.name == refresh.__name__]
    assert len(warnings) == 1
    assert signed_in.session_id in warnings[0]


def test_two_simultaneous_reuses_are_handled_once_with_one_email(
    api: ApiClient, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refresh(api, signed_in.refresh)
    handle_reuse = refresh.handle_reuse

    def handle_twice(retired: RefreshTokenRetired, client: ClientInfo) -> None:
        handle_reuse(retired, client)
        handle_reuse(retired, client)

    monkeypatch.setattr(refresh, "handle_reuse", handle_twice)
    with _after(seconds=11):
        _assert_rejected(signed_in.refresh, "session_revoked")

    assert OutboxEmail.objects.filter(kind="refresh_token_reused").count() == 1


def test_reuse_revokes_only_that_session(api: ApiClient, signed_in: SignedIn, alice: User, sign_in: SignIn) -> None:
    other = sign_in(alice)
    _refresh(api, signed_in.refresh)

    with _after(seconds=11):
        _assert_rejected(signed_in.refresh, "refresh_token_reused")

        assert other.client.get("/me").status_code == 200
        _refresh(api, other.refresh)


def _before_the_rotation(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Run `action` once, after the token was read and before the UPDATE that rotates it."""
    original = rotation._try_to_rotate

    def run_action_first(**values: Any) -> Session | None:
        monkeypatch.setattr(rotation, "_try_to_rotate", original)
        action()
        return original(**values)

    monkeypatch.setattr(rotation, "_try_to_rotate", run_action_first)


def test_a_refresh_that_loses_a_race_gets_the_winners_successor(
    api: ApiClient, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    winners: list[dict[str, Any]] = []
    _before_the_rotation(monkeypatch, lambda: winners.append(_refresh(ApiClient(), signed_in.refresh)))

    loser = _refresh(api, signed_in.refresh)

    assert loser["tokens"]["refreshToken"] == winners[0]["tokens"]["refreshToken"]
    assert Session.objects.get().revoked_at is None


def test_a_refresh_that_races_a_revocation_is_rejected(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    _before_the_rotation(
        monkeypatch, lambda: services.revoke_all(user_id=signed_in.user.id, reason=RevokedReason.LOGOUT)
    )

    _assert_rejected(signed_in.refresh, "session_revoked")
    assert Session.objects.get().rotated_at is None


def test_a_refresh_that_races_a_deactivation_is_rejected(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    _before_the_rotation(monkeypatch, lambda: User.objects.update(is_active=False))

    _assert_rejected(signed_in.refresh, "session_revoked")
    assert Session.objects.get().rotated_at is None


def test_using_the_successor_ends_the_grace_period(api: ApiClient, signed_in: SignedIn) -> None:
    successor = _refresh(api, signed_in.refresh)
    _refresh(api, successor["tokens"]["refreshToken"])

    _assert_rejected(signed_in.refresh, "refresh_token_reused")

    assert Session.objects.get().revoked_at is not None


def test_without_a_grace_the_second_use_is_reuse(api: ApiClient, signed_in: SignedIn, settings: Settings) -> None:
    settings.REFRESH_REUSE_GRACE = timedelta(0)
    _refresh(api, signed_in.refresh)

    _assert_rejected(signed_in.refresh, "refresh_token_reused")


@pytest.mark.usefixtures("signed_in")
def test_a_well_signed_token_that_was_never_current_counts_as_retired() -> None:
    session = Session.objects.get()
    forged = session_tokens.mint_refresh(
        user_id=session.user_id,
        session_id=session.id,
        jti=uuid.uuid4(),
        issued_at=session.refresh_issued_at,
        expires_at=session.expires_at,
    )

    _assert_rejected(forged, "refresh_token_reused")

    assert Session.objects.get().revoked_reason == RevokedReason.REFRESH_REUSED


def test_reuse_after_sign_out_is_only_a_session_that_is_over(api: ApiClient, signed_in: SignedIn) -> None:
    _refresh(api, signed_in.refresh)
    signed_in.client.post("/logout")

    with _after(seconds=11):
        _assert_rejected(signed_in.refresh, "session_revoked")

    assert Session.objects.get().revoked_reason == RevokedReason.LOGOUT
    assert not OutboxEmail.objects.exists()


def test_a_session_not_refreshed_for_7_days_is_expired(signed_in: SignedIn) -> None:
    with _after(days=7, seconds=1):
        _assert_rejected(signed_in.refresh, "token_expired")
        assert Session.objects.get().is_active(datetime.now(UTC)) is False


def test_the_max_session_age_is_never_extended(api: ApiClient, signed_in: SignedIn) -> None:
    token, login = signed_in.refresh, Session.objects.get().created_at

    for day in (6, 12, 18, 24, 29):
        with time_machine.travel(login + timedelta(days=day), tick=False):
            data = _refresh(api, token)
            token = data["tokens"]["refreshToken"]

    end = Session.objects.get().expires_at
    assert end == Session.objects.get().absolute_expires_at == login.replace(microsecond=0) + timedelta(days=30)
    assert datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], UTC) == end
    with time_machine.travel(end, tick=False):
        _assert_rejected(token, "token_expired")


@pytest.mark.parametrize("state", ["deactivated", "deleted"])
def test_a_deactivated_or_deleted_user_cannot_refresh(signed_in: SignedIn, alice: User, state: str) -> None:
    if state == "deleted":
        alice.delete()
    else:
        User.objects.update(is_active=False)

    _assert_rejected(signed_in.refresh, "session_revoked")


def test_a_role_change_is_in_the_next_token(api: ApiClient, signed_in: SignedIn) -> None:
    User.objects.update(role=Role.ADMIN)

    token = _refresh(api, signed_in.refresh)["token"]

    assert jwt.decode(token, options={"verify_signature": False})["role"] == "ADMIN"


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "null", "A" * 5000, "eyJhbGciOiJub25lIn0.e30.", "é", "x" * 64 + "." * 3]
)
def test_garbage_is_an_invalid_token(db: None, token: str) -> None:
    _assert_rejected(token, "token_invalid")


def test_an_access_token_is_not_accepted_as_a_refresh_token(api: ApiClient, signed_in: SignedIn) -> None:
    _assert_rejected(signed_in.access, "token_invalid")
    api.cookies["refreshToken"] = signed_in.access

    assert api.post("/refresh").json()["code"] == "token_invalid"
    assert Session.objects.get().revoked_at is None


@pytest.mark.parametrize("token", [7, True, ["x"], {"a": 1}, "x\0y"])
def test_a_token_that_is_not_a_string_is_a_validation_error(api: ApiClient, signed_in: SignedIn, token: object) -> None:
    api.cookies["refreshToken"] = signed_in.refresh

    response = api.post("/refresh", {"refreshToken": token})

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert Session.objects.get().rotated_at is None


@pytest.mark.parametrize("body", [None, {}, {"refreshToken": None}, {"refreshToken": ""}])
def test_without_a_token_in_body_or_cookie_authentication_is_required(
    api: ApiClient, db: None, body: dict[str, Any] | None
) -> None:
    response = api.post("/refresh", body)

    assert (response.status_code, response.json()["code"]) == (401, "authentication_required")


@pytest.mark.parametrize("body", [None, {}, {"refreshToken": None}, {"refreshToken": ""}])
def test_the_cookie_is_used_if_the_body_has_no_token(
    api: ApiClient, signed_in: SignedIn, body: dict[str, Any] | None
) -> None:
    api.cookies["refreshToken"] = signed_in.refresh

    assert api.post("/refresh", body).status_code == 200
    assert api.cookies["refreshToken"].value != signed_in.refresh


def test_the_body_takes_precedence_over_the_cookie(
    api: ApiClient, signed_in: SignedIn, mallory: User, sign_in: SignIn
) -> None:
    api.cookies["refreshToken"] = sign_in(mallory).refresh

    assert _refresh(api, signed_in.refresh)["session"]["id"] == signed_in.session_id
    assert api.post("/refresh", {"refreshToken": "x"}).json()["code"] == "token_invalid"
    assert Session.objects.get(user=mallory).rotated_at is None


def test_access_tokens_are_ignored(api: ApiClient, signed_in: SignedIn) -> None:
    api.credentials(HTTP_AUTHORIZATION="Bearer garbage")
    api.cookies["jwt"] = "garbage"

    assert _refresh(api, signed_in.refresh)["session"]["id"] == signed_in.session_id


def test_a_token_in_the_query_is_ignored(api: ApiClient, signed_in: SignedIn) -> None:
    response = api.post(f"/refresh?refreshToken={signed_in.refresh}")

    assert response.json()["code"] == "authentication_required"
    assert Session.objects.get().rotated_at is None


@pytest.mark.parametrize("headers", [{"Origin": EVIL}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_refresh_with_a_cross_site_cookie_is_rejected(
    api: ApiClient, signed_in: SignedIn, headers: dict[str, str]
) -> None:
    api.cookies["refreshToken"] = signed_in.refresh

    response = api.post("/refresh", headers=headers)

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert not response.cookies
    assert Session.objects.get().rotated_at is None


def test_a_refresh_is_one_update(
    api: ApiClient, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        _refresh(api, signed_in.refresh)


def test_a_refresh_updates_the_client_info_of_the_session(api: ApiClient, signed_in: SignedIn) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"

    api.post("/refresh", {"refreshToken": signed_in.refresh}, headers={"User-Agent": agent}, REMOTE_ADDR="192.0.2.7")

    session = Session.objects.get()
    assert (session.ip, session.browser, session.user_agent) == ("192.0.2.7", "Firefox", agent)


def test_a_new_login_does_not_end_a_refreshed_session(api: ApiClient, signed_in: SignedIn) -> None:
    successor = _refresh(api, signed_in.refresh)

    api.post("/login", {"username": "alice", "password": PASSWORD})

    assert api.bearing(successor["token"]).get("/me").status_code == 200
    assert Session.objects.active(datetime.now(UTC)).count() == 2
