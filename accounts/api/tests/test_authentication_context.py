"""How and when the user of a session authenticated: on the session, in its tokens, and for code in the same deployment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine

from accounts.models import User
from accounts.services.login import verify_token
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.authentication_context import step_up
from accounts.testing.second_factor import UserWithTotp, verify

pytestmark = pytest.mark.django_db

SignIn = Callable[..., SignedIn]


def _claims(token: str) -> tuple[Any, ...]:
    claims = jwt.decode(token, options={"verify_signature": False})
    return claims["acr"], claims["amr"], claims["auth_time"]


def _unix(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp())


def test_a_sign_in_with_a_password_is_aal1(signed_in: SignedIn) -> None:
    session = signed_in.data["session"]

    assert (session["acr"], session["amr"]) == ("aal1", ["pwd"])
    assert _claims(signed_in.access) == ("aal1", ["pwd"], _unix(session["authenticatedAt"]))


def test_a_sign_in_with_a_second_factor_is_aal2(alice_with_totp: UserWithTotp) -> None:
    data = verify(alice_with_totp.pending(), ApiClient(), code=alice_with_totp.app.code()).json()["data"]

    session = data["session"]
    assert (session["acr"], session["amr"]) == ("aal2", ["pwd", "otp", "mfa"])
    assert _claims(data["token"]) == ("aal2", ["pwd", "otp", "mfa"], _unix(session["authenticatedAt"]))


def test_a_recovery_code_completes_aal2(alice_with_totp: UserWithTotp) -> None:
    code = alice_with_totp.recovery_codes[0]

    data = verify(alice_with_totp.pending(), ApiClient(), recoveryCode=code).json()["data"]

    assert (data["session"]["acr"], data["session"]["amr"]) == ("aal2", ["pwd", "recovery", "mfa"])


def test_a_refresh_keeps_level_and_time_of_the_authentication(signed_in: SignedIn, api: ApiClient) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=3), tick=False):
        refreshed = api.post("/refresh", {"refreshToken": signed_in.refresh}).json()["data"]

    before = signed_in.data["session"]
    assert refreshed["session"]["authenticatedAt"] == before["authenticatedAt"]
    assert _claims(refreshed["token"]) == _claims(signed_in.access)


def test_a_refresh_after_a_step_up_has_the_new_level_in_its_token(signed_in: SignedIn, api: ApiClient) -> None:
    step_up(signed_in)

    refreshed = api.post("/refresh", {"refreshToken": signed_in.refresh}).json()["data"]

    assert refreshed["session"]["acr"] == "aal2"
    assert _claims(refreshed["token"])[:2] == ("aal2", ["pwd", "otp", "mfa"])


def test_a_step_up_applies_to_the_same_token_at_once_and_to_no_other_session(
    signed_in: SignedIn, alice: User, sign_in: SignIn
) -> None:
    other = sign_in(alice)
    assert (verify_token(signed_in.access).acr, verify_token(other.access).acr) == ("aal1", "aal1")

    step_up(signed_in)

    principal = verify_token(signed_in.access)
    assert (principal.acr, principal.amr) == ("aal2", ("pwd", "otp", "mfa"))
    assert principal.auth_time == principal.context.authenticated_at.timestamp()
    assert verify_token(other.access).acr == "aal1"


def test_claims_of_a_forged_level_are_ignored(signed_in: SignedIn, settings: Any) -> None:
    """Even with a valid signature: the server decides by the session."""
    claims = jwt.decode(signed_in.access, options={"verify_signature": False})
    raised = jwt.encode(claims | {"acr": "aal2", "amr": ["mfa"], "auth_time": 2**33}, settings.JWT_SECRET_KEY)

    principal = verify_token(raised)

    assert (principal.acr, principal.amr) == ("aal1", ("pwd",))
    assert principal.auth_time == claims["auth_time"]


def test_the_export_has_the_context_of_each_session(signed_in: SignedIn) -> None:
    [session] = signed_in.client.get("/me/export").json()["data"]["sessions"]

    assert (session["acr"], session["amr"]) == ("aal1", ["pwd"])
    assert session["authenticatedAt"] == signed_in.data["session"]["authenticatedAt"]


def test_an_administrator_sees_the_context_of_a_session(signed_in: SignedIn, admin: User, sign_in: SignIn) -> None:
    data = sign_in(admin).client.get(f"/users/{signed_in.user.id}/sessions").json()["data"]["sessions"]

    assert {(row["acr"], *row["amr"]) for row in data} == {("aal1", "pwd")}
