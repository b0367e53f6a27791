"""The audit events of an administrator's changes: actor, user and fields, never a secret value."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEvent, AuditKind, User
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn

SignIn = Callable[..., SignedIn]

NEW = "Another-Horse-8"
KINDS = {
    AuditKind.USER_CREATED, AuditKind.USER_INVITED, AuditKind.USER_CHANGED, AuditKind.ROLE_CHANGED,
    AuditKind.USER_DEACTIVATED, AuditKind.USER_REACTIVATED, AuditKind.SESSIONS_REVOKED, AuditKind.ACCOUNT_DELETED,
}  # fmt: skip


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> ApiClient:
    return sign_in(admin).client


def _events(user_id: object) -> list[tuple[str, object, dict[str, Any]]]:
    events = AuditEvent.objects.filter(user_id=str(user_id), kind__in=KINDS).order_by("id")
    return [(event.kind, event.actor_id, event.facts) for event in events]


def test_a_creation_and_another_invitation_are_recorded(client: ApiClient, admin: User) -> None:
    eve = client.post("/users", {"email": "eve@example.com", "username": "eve"}).json()["data"]["user"]
    client.post(f"/users/{eve['id']}/invite")

    assert _events(eve["id"]) == [
        ("user_created", admin.id, {"role": "USER", "invited": True}),
        ("user_invited", admin.id, {}),
    ]


def test_a_change_is_recorded_with_field_names_and_without_values(client: ApiClient, admin: User, alice: User) -> None:
    changes = {"firstName": "Alicia", "username": "alice", "email": "alice@example.org", "password": NEW}

    client.patch(f"/users/{alice.id}", changes)

    facts = {"fields": "email, password, firstName, emailVerified"}
    assert _events(alice.id) == [("user_changed", admin.id, facts)]
    assert not any(secret in str(_events(alice.id)) for secret in (NEW, "example.org", "Alicia"))


def test_a_change_without_effect_is_not_recorded(client: ApiClient, alice: User) -> None:
    client.patch(f"/users/{alice.id}", {"username": "alice", "role": "USER", "isActive": True})
    client.patch(f"/users/{alice.id}", {"isActive": False, "firstName": "A"})  # rejected

    assert _events(alice.id) == []


def test_a_promotion_is_recorded_with_both_roles(client: ApiClient, admin: User, alice: User) -> None:
    for role in ("ADMIN", "USER"):
        client.patch(f"/users/{alice.id}", {"role": role})

    assert _events(alice.id) == [
        ("role_changed", admin.id, {"from": "USER", "to": "ADMIN"}),
        ("role_changed", admin.id, {"from": "ADMIN", "to": "USER"}),
    ]


def test_the_end_of_all_sessions_is_recorded_with_their_number(
    client: ApiClient, admin: User, alice: User, sign_in: SignIn
) -> None:
    sign_in(alice)

    client.post(f"/users/{alice.id}/revoke-sessions")

    assert _events(alice.id) == [("sessions_revoked", admin.id, {"sessionsEnded": 1})]


def test_the_event_of_a_deletion_outlives_the_account(client: ApiClient, admin: User, alice: User) -> None:
    user_id = alice.id
    client.delete(f"/users/{user_id}")

    assert _events(user_id) == [("account_deleted", admin.id, {})]


def test_an_event_has_ip_and_request_id(client: ApiClient, alice: User) -> None:
    response = client.patch(f"/users/{alice.id}", {"role": "ADMIN"})

    event = AuditEvent.objects.get(kind=AuditKind.ROLE_CHANGED)
    assert (event.ip, event.request_id) == ("127.0.0.1", response["X-Request-Id"])


@pytest.mark.parametrize(
    "attempt",
    [{"role": "USER"}, {"isActive": False}, {"isStaff": True}],
)
def test_a_rejected_change_is_not_recorded(client: ApiClient, admin: User, attempt: dict[str, Any]) -> None:
    assert client.patch(f"/users/{admin.id}", attempt).status_code in {400, 403}

    assert _events(admin.id) == []


def test_attempts_without_permission_are_not_recorded(alice: User, mallory: User, sign_in: SignIn) -> None:
    client = sign_in(mallory).client

    client.patch(f"/users/{mallory.id}", {"role": "ADMIN"})
    client.post("/users", {"email": "eve@example.com", "username": "eve", "password": PASSWORD})
    client.delete(f"/users/{alice.id}")

    assert not AuditEvent.objects.filter(kind__in=KINDS).exists()
