"""POST /reauthenticate: the user of a session proves again who they are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone
from pytest_django import Settings
from time_machine import Traveller

from accounts.models import AuditEvent, User
from accounts.services.login import verify_token
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.authentication_context import age_authentication, set_context
from accounts.testing.second_factor import WRONG_RECOVERY_CODE, UserWithTotp
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
WRONG = "Wrong-Horse-7"
FOREIGN: Any = {"HTTP_ORIGIN": "https://evil.example"}


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def _code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "ok")


def _context(signed_in: SignedIn) -> tuple[str, str, Any]:
    session = Session.objects.get(id=signed_in.session_id)
    return session.amr, session.acr, session.authenticated_at


def _kinds() -> list[str]:
    return list(AuditEvent.objects.filter(kind__startswith="reauth").order_by("id").values_list("kind", flat=True))


@pytest.fixture
def aged(signed_in: SignedIn) -> SignedIn:
    age_authentication(signed_in)
    return signed_in


def test_the_password_renews_the_session_and_leaves_the_refresh_token(aged: SignedIn) -> None:
    before = timezone.now().replace(microsecond=0)

    response = aged.client.post("/reauthenticate", {"password": PASSWORD})

    data = response.json()["data"]
    claims = _claims(data["token"])
    assert response.status_code == 200
    assert set(data) == {"session", "token", "accessExpiresAt"}
    assert (data["session"]["id"], data["session"]["current"]) == (aged.session_id, True)
    assert (claims["acr"], claims["amr"], claims["sid"]) == ("aal1", ["pwd"], aged.session_id)
    assert claims["auth_time"] >= before.timestamp()
    assert response.cookies["jwt"].value == data["token"]
    assert "refreshToken" not in response.cookies
    assert aged.client.post("/refresh", {"refreshToken": aged.refresh}).status_code == 200
    assert _kinds() == ["reauthenticated"]


def test_the_former_token_has_the_new_context_with_the_next_request(aged: SignedIn) -> None:
    assert verify_token(aged.access).context.authenticated_at < timezone.now() - timedelta(minutes=30)
    assert _code(aged.client.get("/me/export")) == (401, "reauthentication_required")

    aged.client.post("/reauthenticate", {"password": PASSWORD})

    assert verify_token(aged.access).context.authenticated_at > timezone.now() - timedelta(minutes=1)
    assert aged.client.get("/me/export").status_code == 200


def test_a_refresh_does_not_renew_the_authentication(aged: SignedIn) -> None:
    token = aged.client.post("/refresh", {"refreshToken": aged.refresh}).json()["data"]["token"]

    assert _claims(token)["auth_time"] < timezone.now().timestamp() - 1800
    assert _code(ApiClient().bearing(token).get("/me/export")) == (401, "reauthentication_required")


def test_a_wrong_password_changes_nothing_and_is_recorded(aged: SignedIn) -> None:
    before = _context(aged)

    response = aged.client.post("/reauthenticate", {"password": WRONG})

    assert _code(response) == (400, "password_incorrect")
    assert list(response.json()["errors"]) == ["password"]
    assert response.cookies == {}
    assert _context(aged) == before
    assert _kinds() == ["reauthentication_failed"]
    assert aged.client.get("/me").status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"password": PASSWORD, "code": "123456"}, {"code": "123456", "recoveryCode": "K7M2X-QH4TR"}]
)
def test_exactly_one_proof_must_be_sent(aged: SignedIn, body: dict[str, str]) -> None:
    assert _code(aged.client.post("/reauthenticate", body)) == (400, "validation_error")
    assert _kinds() == []


@pytest.mark.parametrize("transport", ["cookie", "body", "sideways"])
def test_the_transport_of_the_token_can_be_chosen(aged: SignedIn, transport: str) -> None:
    response = aged.client.post("/reauthenticate", {"password": PASSWORD}, HTTP_X_TOKEN_TRANSPORT=transport)

    assert response.status_code == (400 if transport == "sideways" else 200)
    assert ("jwt" in response.cookies) == (transport == "cookie")
    assert ("token" in response.json().get("data", {})) == (transport == "body")


def test_a_session_that_is_not_persistent_gets_a_cookie_that_ends_with_the_browser(
    alice: User, sign_in: SignIn
) -> None:
    signed_in = sign_in(alice, persistent=False)

    response = signed_in.client.post("/reauthenticate", {"password": PASSWORD})

    assert response.cookies["jwt"]["max-age"] == ""


@pytest.mark.parametrize("by_cookie", [True, False])
def test_a_request_from_another_site_is_refused_before_the_password_is_checked(aged: SignedIn, by_cookie: bool) -> None:
    client = ApiClient() if by_cookie else aged.client
    client.cookies["jwt"] = aged.access

    assert _code(client.post("/reauthenticate", {"password": WRONG}, **FOREIGN)) == (403, "origin_not_allowed")
    assert _kinds() == []


def test_without_a_token_there_is_nothing_to_confirm(api: ApiClient, db: None) -> None:
    assert _code(api.post("/reauthenticate", {"password": PASSWORD})) == (401, "authentication_required")


def test_wrong_passwords_share_the_limit_of_all_password_prompts(aged: SignedIn, limits_on: Settings) -> None:
    codes = [_code(aged.client.post("/reauthenticate", {"password": WRONG})) for _ in range(5)]

    assert codes == [(400, "password_incorrect")] * 5
    assert _code(aged.client.post("/reauthenticate", {"password": PASSWORD})) == (429, "rate_limited")
    assert _code(aged.client.delete("/me", {"password": PASSWORD})) == (429, "rate_limited")


def test_the_ip_has_the_limit_of_logins(aged: SignedIn, limits_on: Settings) -> None:
    codes = {_code(aged.client.post("/reauthenticate", {"code": "123456"})) for _ in range(30)}

    assert codes <= {(400, "code_invalid"), (429, "too_many_attempts")}
    assert _code(aged.client.post("/reauthenticate", {"password": PASSWORD})) == (429, "rate_limited")


def test_a_code_of_the_app_raises_a_session_with_a_first_factor(
    alice_with_totp: UserWithTotp, sign_in: SignIn, clock: Traveller
) -> None:
    signed_in = alice_with_totp.session
    set_context(signed_in, amr="pwd", acr="aal1", authenticated_at=timezone.now() - timedelta(hours=1))

    response = signed_in.client.post("/reauthenticate", {"code": alice_with_totp.app.code()})

    claims = _claims(response.json()["data"]["token"])
    assert (claims["acr"], claims["amr"]) == ("aal2", ["pwd", "otp", "mfa"])
    assert _context(signed_in) == ("pwd otp mfa", "aal2", timezone.now().replace(microsecond=0))
    assert verify_token(signed_in.access).has_aal2


def test_a_code_works_once(alice_with_totp: UserWithTotp, clock: Traveller) -> None:
    client, code = alice_with_totp.session.client, alice_with_totp.app.code()

    codes = [_code(client.post("/reauthenticate", {"code": code})) for _ in range(2)]

    assert codes == [(200, "ok"), (400, "code_invalid")]


def test_a_recovery_code_is_used_up(alice_with_totp: UserWithTotp) -> None:
    client, code = alice_with_totp.session.client, alice_with_totp.recovery_codes[0]

    codes = [_code(client.post("/reauthenticate", {"recoveryCode": code})) for _ in range(2)]

    assert codes == [(200, "ok"), (400, "code_invalid")]
    assert User.objects.get().recovery_codes_left == 9
    assert Session.objects.get().amr == "pwd otp recovery mfa"


def test_wrong_codes_are_counted_with_those_of_logins(alice_with_totp: UserWithTotp) -> None:
    client = alice_with_totp.session.client

    codes = [_code(client.post("/reauthenticate", {"recoveryCode": WRONG_RECOVERY_CODE})) for _ in range(11)]
    login = ApiClient().post("/mfa/verify", {"mfaToken": alice_with_totp.pending(), "code": alice_with_totp.app.code()})

    assert codes == [(400, "code_invalid")] * 10 + [(429, "too_many_attempts")]
    assert _code(login) == (429, "too_many_attempts")
    assert _kinds() == ["reauthentication_failed"] * 10


@pytest.mark.parametrize("password", [PASSWORD, WRONG])
def test_with_a_second_factor_no_password_is_accepted_or_checked(alice_with_totp: UserWithTotp, password: str) -> None:
    before = _context(alice_with_totp.session)

    response = alice_with_totp.session.client.post("/reauthenticate", {"password": password})

    assert _code(response) == (400, "second_factor_required")
    assert _context(alice_with_totp.session) == before
    assert _kinds() == []


def test_a_code_does_not_raise_a_session_without_a_first_factor(
    alice_with_totp: UserWithTotp, clock: Traveller
) -> None:
    """A code alone is one factor: such a session comes from another system."""
    signed_in = alice_with_totp.session
    set_context(signed_in, amr="", acr="aal1")

    assert signed_in.client.post("/reauthenticate", {"code": alice_with_totp.app.code()}).status_code == 200

    assert _context(signed_in)[:2] == ("otp", "aal1")
    assert _code(signed_in.client.get("/me/export")) == (401, "reauthentication_required")


def test_a_user_without_a_password_cannot_confirm_by_one(aged: SignedIn) -> None:
    User.objects.update(password="!unusable")

    assert _code(aged.client.post("/reauthenticate", {"password": PASSWORD})) == (400, "password_incorrect")


def test_a_code_of_a_user_without_a_second_factor_is_wrong(aged: SignedIn) -> None:
    assert _code(aged.client.post("/reauthenticate", {"code": "123456"})) == (400, "code_invalid")


def test_an_ended_session_steps_up_nothing(aged: SignedIn) -> None:
    Session.objects.update(revoked_at=timezone.now())  # the cache still has the session

    assert _code(aged.client.post("/reauthenticate", {"password": PASSWORD})) == (401, "session_revoked")
    assert _kinds() == []


def test_a_step_up_of_one_session_leaves_the_others_as_they_are(alice: User, sign_in: SignIn) -> None:
    first, second = sign_in(alice), sign_in(alice)
    age_authentication(first)
    age_authentication(second)

    first.client.post("/reauthenticate", {"password": PASSWORD})

    assert first.client.get("/me/export").status_code == 200
    assert _code(second.client.get("/me/export")) == (401, "reauthentication_required")
