"""`lifetime` and `persistent`: how long a session may last, and whether its cookies outlive the browser."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.second_factor import UserWithTotp, verify
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]

pytestmark = pytest.mark.django_db

_MAX = 30 * 24 * 3600


def _log_in(**options: Any) -> Any:
    return ApiClient().post("/login", {"username": "alice", "password": PASSWORD} | options)


def _ages(response: Any) -> dict[str, tuple[Any, Any]]:
    """Return Max-Age and Expires of each cookie that the response sets."""
    return {name: (cookie["max-age"], cookie["expires"]) for name, cookie in response.cookies.items()}


_ENDS_WITH_THE_BROWSER = {"jwt": ("", ""), "refreshToken": ("", "")}


@pytest.mark.parametrize("seconds", [300, 301, 3600, _MAX])
def test_a_session_ends_its_lifetime_after_the_sign_in(alice: User, seconds: int) -> None:
    data = _log_in(lifetime=seconds).json()["data"]

    session = Session.objects.get()
    assert session.absolute_expires_at - session.refresh_issued_at == timedelta(seconds=seconds)
    assert session.expires_at == min(session.absolute_expires_at, session.refresh_issued_at + timedelta(days=7))
    assert data["tokens"]["refreshExpiresAt"] == data["session"]["expiresAt"]
    assert data["tokens"]["accessExpiresAt"] <= data["session"]["expiresAt"]


@pytest.mark.parametrize(
    "value", [299, 0, -300, _MAX + 1, 10**30, "600", 600.0, 600.5, True, False, None, [], {}, "", "1h"]
)
def test_an_invalid_lifetime_is_rejected_under_its_field(alice: User, value: object) -> None:
    response = _log_in(lifetime=value)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["lifetime"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("value", ["false", 0, 1, None, "", [], "no"])
def test_an_invalid_persistent_is_rejected_under_its_field(alice: User, value: object) -> None:
    response = _log_in(persistent=value)

    assert (response.status_code, list(response.json()["errors"])) == (400, ["persistent"])
    assert not Session.objects.exists()


def test_no_number_of_refreshes_extends_a_session_beyond_its_lifetime(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice, lifetime=600)
    started, token, access = Session.objects.get().refresh_issued_at, signed_in.refresh, signed_in.access

    for seconds in (200, 400, 590):
        with time_machine.travel(started + timedelta(seconds=seconds), tick=False):
            tokens = ApiClient().post("/refresh", {"refreshToken": token}).json()["data"]["tokens"]
        token, access = tokens["refreshToken"], tokens["accessToken"]
        assert tokens["refreshExpiresAt"] == tokens["accessExpiresAt"] == signed_in.data["session"]["expiresAt"]

    with time_machine.travel(started + timedelta(seconds=601), tick=False):
        assert ApiClient().post("/refresh", {"refreshToken": token}).json()["code"] == "token_expired"
        assert ApiClient().bearing(access).get("/me").json()["code"] == "token_expired"


def test_cookies_of_a_short_session_expire_with_it(alice: User) -> None:
    ages = _ages(_log_in(lifetime=300))

    assert {0 < int(age) <= 300 for age, _expires in ages.values()} == {True}
    assert set(ages) == {"jwt", "refreshToken"}


def test_by_default_the_cookies_live_as_long_as_their_tokens(alice: User) -> None:
    for options in ({}, {"persistent": True}):
        ages = _ages(_log_in(**options))

        assert 890 < ages["jwt"][0] <= 900
        assert 7 * 86400 - 10 < ages["refreshToken"][0] <= 7 * 86400


def test_cookies_that_are_not_persistent_have_no_age_at_sign_in_refresh_and_step_up(alice: User) -> None:
    signed_in = _log_in(persistent=False)
    client = ApiClient()
    client.cookies = signed_in.cookies
    refreshed = client.post("/refresh")
    confirmed = client.post("/reauthenticate", {"password": PASSWORD})

    assert _ages(signed_in) == _ages(refreshed) == _ENDS_WITH_THE_BROWSER
    assert (confirmed.status_code, _ages(confirmed)) == (200, {"jwt": ("", "")})
    assert client.post("/refresh").status_code == 200


def test_a_repeated_refresh_keeps_the_cookies_without_age(alice: User) -> None:
    token = _log_in(persistent=False).json()["data"]["tokens"]["refreshToken"]

    responses = [ApiClient().post("/refresh", {"refreshToken": token}) for _ in range(2)]  # the second one in grace

    assert [_ages(response) for response in responses] == [_ENDS_WITH_THE_BROWSER] * 2


def test_a_logout_clears_cookies_that_are_not_persistent(alice: User) -> None:
    client = ApiClient()
    client.cookies = _log_in(persistent=False).cookies

    response = client.post("/logout")

    assert {(name, cookie.value, cookie["max-age"]) for name, cookie in response.cookies.items()} == {
        ("jwt", "", 0),
        ("refreshToken", "", 0),
    }


def test_a_session_of_a_short_life_lasts_no_longer_for_being_confirmed(alice: User, sign_in: SignIn) -> None:
    signed_in = sign_in(alice, lifetime=600)

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=500), tick=False):
        data = signed_in.client.post("/reauthenticate", {"password": PASSWORD}).json()["data"]

    assert data["session"]["expiresAt"] == data["accessExpiresAt"] == signed_in.data["session"]["expiresAt"]


def test_a_second_factor_completes_the_session_that_the_login_asked_for(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending(lifetime=900, persistent=False)

    response = verify(token, ApiClient(), code=alice_with_totp.app.code())

    session = Session.objects.get(id=response.json()["data"]["session"]["id"])
    assert session.absolute_expires_at - session.refresh_issued_at == timedelta(seconds=900)
    assert _ages(response) == _ENDS_WITH_THE_BROWSER


def test_a_second_factor_may_ask_for_another_session(alice_with_totp: UserWithTotp) -> None:
    token = alice_with_totp.pending(lifetime=900, persistent=False, deviceName="Tablet")

    response = verify(token, ApiClient(), code=alice_with_totp.app.code(), lifetime=300, persistent=True)

    session = Session.objects.get(id=response.json()["data"]["session"]["id"])
    assert (session.name, session.persistent) == ("Tablet", True)
    assert session.absolute_expires_at - session.refresh_issued_at == timedelta(seconds=300)


def test_invalid_options_of_a_second_factor_use_up_no_code(alice_with_totp: UserWithTotp) -> None:
    token, code = alice_with_totp.pending(), alice_with_totp.app.code()

    assert list(verify(token, ApiClient(), code=code, lifetime=299).json()["errors"]) == ["lifetime"]
    assert verify(token, ApiClient(), code=code).status_code == 200


def test_a_session_max_age_below_five_minutes_leaves_only_itself(alice: User, settings: Settings) -> None:
    settings.SESSION_MAX_AGE = timedelta(seconds=120)

    assert [_log_in(lifetime=seconds).status_code for seconds in (119, 120, 121, 300)] == [400, 200, 400, 400]
    session = Session.objects.get()
    assert session.absolute_expires_at - session.refresh_issued_at == timedelta(seconds=120)


def test_a_login_that_waited_gets_no_longer_session_than_the_current_maximum(
    alice_with_totp: UserWithTotp, settings: Settings
) -> None:
    token = alice_with_totp.pending(lifetime=_MAX)
    settings.SESSION_MAX_AGE = timedelta(hours=1)

    data = verify(token, ApiClient(), code=alice_with_totp.app.code()).json()["data"]

    session = Session.objects.get(id=data["session"]["id"])
    assert session.absolute_expires_at - session.refresh_issued_at == timedelta(hours=1)
