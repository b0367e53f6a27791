"""Token revocation by services (RFC 7009)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine

from accounts.models import AuditEvent, AuditKind, OutboxEmail, User
from accounts.testing.api_client import ApiClient, SignedIn
from accounts.testing.service_client import Service, basic, make_service, post_form
from sessions_tracking.models import RevokedReason, Session

SignIn = Callable[..., SignedIn]
pytestmark = pytest.mark.django_db


@pytest.fixture
def billing(db: None) -> Service:
    return make_service()


def _is_revoked(signed_in: SignedIn) -> bool:
    me = signed_in.client.get("/me")
    refresh = ApiClient().post("/refresh", {"refreshToken": signed_in.refresh})
    return {me.json().get("code"), refresh.json().get("code")} == {"session_revoked"}


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_either_token_revokes_its_session_immediately(billing: Service, signed_in: SignedIn, kind: str) -> None:
    response = billing.revoke(getattr(signed_in, kind))

    assert (response.status_code, response.json()) == (200, {"success": True})
    assert Session.objects.get().revoked_reason == RevokedReason.SERVICE
    assert _is_revoked(signed_in)


def test_other_sessions_are_not_revoked(billing: Service, signed_in: SignedIn, mallory: User, sign_in: SignIn) -> None:
    other_session, other_user = sign_in(signed_in.user), sign_in(mallory)

    billing.revoke(signed_in.access)

    assert other_session.client.get("/me").status_code == other_user.client.get("/me").status_code == 200


def test_the_audit_names_the_service(billing: Service, signed_in: SignedIn) -> None:
    billing.revoke(signed_in.access)

    event = AuditEvent.objects.get(kind=AuditKind.SESSION_REVOKED)
    assert (event.user_id, event.actor_id, str(event.session_id)) == (signed_in.user.id, None, signed_in.session_id)
    assert event.facts == {"client": str(billing.client.id), "clientName": "Billing"}


def test_revocation_is_idempotent(billing: Service, signed_in: SignedIn) -> None:
    billing.revoke(signed_in.access)
    before = list(Session.objects.values())

    assert billing.revoke(signed_in.access).status_code == billing.revoke(signed_in.refresh).status_code == 200

    assert list(Session.objects.values()) == before
    assert AuditEvent.objects.filter(kind=AuditKind.SESSION_REVOKED).count() == 1


@pytest.mark.parametrize("token", ["x", "a.b.c", "\xff", "A" * 8000])
def test_an_invalid_token_succeeds(billing: Service, signed_in: SignedIn, token: str) -> None:
    response = billing.revoke(token)

    assert (response.status_code, response.json()) == (200, {"success": True})
    assert signed_in.client.get("/me").status_code == 200


def test_a_token_with_a_foreign_signature_revokes_nothing(billing: Service, signed_in: SignedIn) -> None:
    claims = jwt.decode(signed_in.access, options={"verify_signature": False})

    assert billing.revoke(jwt.encode(claims, "x" * 40, "HS256")).status_code == 200

    assert signed_in.client.get("/me").status_code == 200


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "something_else"])
def test_a_wrong_hint_does_not_prevent_revocation(billing: Service, signed_in: SignedIn, hint: str) -> None:
    billing.revoke(signed_in.refresh, token_type_hint=hint)

    assert _is_revoked(signed_in)


def test_revoking_a_reused_refresh_token_is_recorded_with_the_service(billing: Service, signed_in: SignedIn) -> None:
    ApiClient().post("/refresh", {"refreshToken": signed_in.refresh})

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=False):
        assert billing.revoke(signed_in.refresh).json() == {"success": True}

    assert Session.objects.get().revoked_reason == RevokedReason.REFRESH_REUSED
    event = AuditEvent.objects.get(kind=AuditKind.REFRESH_TOKEN_REUSED)
    assert event.facts == {"client": str(billing.client.id), "clientName": "Billing"}
    assert not AuditEvent.objects.filter(kind=AuditKind.SESSION_REVOKED).exists()
    assert OutboxEmail.objects.get().kind == "refresh_token_reused"


def test_revocation_requires_the_client_secret(billing: Service, signed_in: SignedIn) -> None:
    wrong = basic(str(billing.client.id), "wrong")

    for headers in ({}, {"Authorization": wrong}, {"Authorization": f"Bearer {signed_in.access}"}):
        response = post_form("/revoke", {"token": signed_in.access}, **headers)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")

    assert signed_in.client.get("/me").status_code == 200
