"""Token introspection by services (RFC 7662)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from django.db import OperationalError
from pytest_django import Settings

from accounts.models import OutboxEmail, Role, User
from accounts.services import introspection
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.authentication_context import step_up
from accounts.testing.key_files import rotate
from accounts.testing.service_client import Service, make_service
from core.redis.client import breaker
from sessions_tracking.models import Session

SignIn = Callable[..., SignedIn]
INACTIVE = {"active": False}
pytestmark = pytest.mark.django_db


@pytest.fixture
def billing(db: None) -> Service:
    return make_service()


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_an_access_token_is_described_with_user_session_and_claims(billing: Service, signed_in: SignedIn) -> None:
    claims = _claims(signed_in.access)

    assert billing.introspect(signed_in.access) == {
        "active": True,
        "token_use": "access_token",
        "token_type": "Bearer",
        "sub": str(signed_in.user.id),
        "username": "alice",
        "role": "USER",
        "acr": "aal1",
        "amr": ["pwd"],
        "auth_time": claims["auth_time"],
        "sid": signed_in.session_id,
        "jti": claims["jti"],
        "iat": claims["iat"],
        "exp": claims["exp"],
        "iss": "vestibule",
        "aud": "vestibule",
    }


def test_the_authentication_context_is_that_of_the_session_and_not_of_the_token(
    billing: Service, signed_in: SignedIn
) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=90), tick=False):
        step_up(signed_in)
        result = billing.introspect(signed_in.access)

    claims = _claims(signed_in.access)
    assert (claims["acr"], claims["amr"]) == ("aal1", ["pwd"])
    assert (result["acr"], result["amr"]) == ("aal2", ["pwd", "otp", "mfa"])
    assert result["auth_time"] >= claims["auth_time"] + 89


def test_a_refresh_token_has_no_bearer_token_type(billing: Service, signed_in: SignedIn) -> None:
    result = billing.introspect(signed_in.refresh)

    assert (result["active"], result["token_use"], result["jti"]) == (
        True,
        "refresh_token",
        _claims(signed_in.refresh)["jti"],
    )
    assert "token_type" not in result


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
def test_a_wrong_hint_does_not_hide_a_token(billing: Service, signed_in: SignedIn, hint: str) -> None:
    assert billing.introspect(signed_in.access, token_type_hint=hint)["active"] is True
    assert billing.introspect(signed_in.refresh, token_type_hint=hint)["active"] is True


def test_the_response_is_plain_json_and_not_cacheable(billing: Service, signed_in: SignedIn) -> None:
    response = billing.send("/introspect", token=signed_in.access)

    assert "success" not in response.json()
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("token", ["x", "a.b.c", "\xff", " ", "A" * 8000, "eyJhbGciOiJub25lIn0.e30."])
def test_a_malformed_token_is_inactive(billing: Service, token: str) -> None:
    assert billing.introspect(token) == INACTIVE


def test_a_revoked_token_is_inactive(billing: Service, signed_in: SignedIn) -> None:
    signed_in.client.post("/logout")

    assert billing.introspect(signed_in.access) == INACTIVE
    assert billing.introspect(signed_in.refresh) == INACTIVE


def test_an_expired_token_is_inactive(billing: Service, signed_in: SignedIn) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert billing.introspect(signed_in.access) == INACTIVE
        assert billing.introspect(signed_in.refresh)["active"] is True
    with time_machine.travel(datetime.now(UTC) + timedelta(days=8), tick=False):
        assert billing.introspect(signed_in.refresh) == INACTIVE


def test_introspecting_a_rotated_refresh_token_is_not_reuse(billing: Service, signed_in: SignedIn) -> None:
    for _ in range(2):
        data = ApiClient().post("/refresh", {"refreshToken": signed_in.refresh}).json()["data"]
    before = list(Session.objects.values())

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        assert billing.introspect(signed_in.refresh) == INACTIVE
        assert billing.introspect(data["tokens"]["refreshToken"])["active"] is True

    assert list(Session.objects.values()) == before
    assert not OutboxEmail.objects.exists()


def test_username_and_role_are_current(billing: Service, signed_in: SignedIn, admin: User, sign_in: SignIn) -> None:
    change = {"role": Role.ADMIN, "username": "alicia"}
    assert sign_in(admin).client.patch(f"/users/{signed_in.user.id}", change).status_code == 200

    result = billing.introspect(signed_in.access)

    assert (result["role"], result["username"]) == ("ADMIN", "alicia")


def test_tokens_of_a_deactivated_user_are_inactive(
    billing: Service, signed_in: SignedIn, admin: User, sign_in: SignIn
) -> None:
    sign_in(admin).client.patch(f"/users/{signed_in.user.id}", {"isActive": False})

    assert billing.introspect(signed_in.access) == billing.introspect(signed_in.refresh) == INACTIVE


def test_a_token_with_a_foreign_signature_is_inactive(billing: Service, signed_in: SignedIn) -> None:
    assert billing.introspect(jwt.encode(_claims(signed_in.access), "x" * 40, "HS256")) == INACTIVE


def test_tokens_signed_with_asymmetric_keys_are_active(
    billing: Service, alice: User, sign_in: SignIn, tmp_path: Path, settings: Settings
) -> None:
    rotate(tmp_path, "--algorithm", "ES256")
    settings.JWT_PRIVATE_KEYS = [str(tmp_path)]
    signed_in = sign_in(alice)

    assert billing.introspect(signed_in.access)["token_use"] == "access_token"
    assert billing.introspect(signed_in.refresh)["token_use"] == "refresh_token"


def test_without_redis_introspection_reads_the_database(
    billing: Service, signed_in: SignedIn, mallory: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sign_in(mallory)
    other.client.post("/logout")
    monkeypatch.setattr(breaker, "pause", 60)

    breaker.record_failure()

    assert billing.introspect(signed_in.access)["active"] is True
    assert billing.introspect(other.access) == INACTIVE


def test_an_unavailable_database_does_not_make_a_valid_token_inactive(
    billing: Service, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session_id: object) -> None:
        raise OperationalError

    monkeypatch.setattr(introspection, "get_principal", fail)

    response = billing.send("/introspect", token=signed_in.access)

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert response["Retry-After"]
    assert "active" not in response.json()
