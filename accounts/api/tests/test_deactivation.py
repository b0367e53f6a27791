"""Deactivated accounts: reason and time, and the sessions, codes and links that stop working."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage

from accounts.models import AuditEvent, AuditKind, OutboxEmail, User
from accounts.services.administration import users
from accounts.testing.api_client import PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

REASON = "The account was sold, see ticket 4711"
DEACTIVATION = {"isActive": False, "deactivationReason": REASON}


@pytest.fixture
def client(admin: User, sign_in: SignIn) -> ApiClient:
    return sign_in(admin).client


def test_the_reason_is_stored_and_shown_to_administrators(client: ApiClient, alice: User) -> None:
    data = client.patch(f"/users/{alice.id}", DEACTIVATION).json()["data"]["user"]

    assert (data["isActive"], data["deactivationReason"]) == (False, REASON)
    assert data["deactivatedAt"]
    assert client.get(f"/users/{alice.id}").json()["data"]["user"] == data
    assert data in client.get("/users").json()["data"]["users"]


def test_no_response_or_email_to_the_user_contains_the_reason(
    api: ApiClient, client: ApiClient, alice: User, sign_in: SignIn, outbox: Outbox
) -> None:
    alice_session = sign_in(alice)
    client.patch(f"/users/{alice.id}", DEACTIVATION)

    responses = [
        alice_session.client.get("/me"), api.post("/login", {"username": "alice", "password": PASSWORD}),
        api.post("/refresh", {"refreshToken": alice_session.refresh}), api.post("/forgot-password", {"email": alice.email}),
    ]  # fmt: skip

    assert not any(REASON in response.content.decode() for response in responses)
    assert not any(REASON in str(message.body) for message in outbox())


def test_a_reactivation_clears_reason_and_time(client: ApiClient, alice: User) -> None:
    client.patch(f"/users/{alice.id}", DEACTIVATION)

    data = client.patch(f"/users/{alice.id}", {"isActive": True}).json()["data"]["user"]

    assert (data["isActive"], data["deactivatedAt"], data["deactivationReason"]) == (True, None, "")


def test_a_reason_added_later_keeps_the_time_of_the_deactivation(client: ApiClient, alice: User) -> None:
    first = client.patch(f"/users/{alice.id}", {"isActive": False}).json()["data"]["user"]

    later = client.patch(f"/users/{alice.id}", {"deactivationReason": REASON}).json()["data"]["user"]
    again = client.patch(f"/users/{alice.id}", {"isActive": False}).json()["data"]["user"]

    assert (first["deactivationReason"], later["deactivationReason"]) == ("", REASON)
    assert again["deactivatedAt"] == first["deactivatedAt"]
    assert again["deactivationReason"] == REASON


@pytest.mark.parametrize("more", [{}, {"isActive": True}])
def test_a_reason_for_an_active_user_is_rejected(client: ApiClient, alice: User, more: dict[str, bool]) -> None:
    response = client.patch(f"/users/{alice.id}", {"deactivationReason": REASON, "firstName": "Changed"} | more)

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")
    assert list(response.json()["errors"]) == ["deactivationReason"]
    alice.refresh_from_db()
    assert (alice.deactivation_reason, alice.first_name) == ("", "")


@pytest.mark.parametrize("reason", ["x" * 501, "two\nlines", "nul\0", None, 7, ["x"]])
def test_a_reason_must_be_one_line_of_plain_text(client: ApiClient, alice: User, reason: object) -> None:
    response = client.patch(f"/users/{alice.id}", {"isActive": False, "deactivationReason": reason})

    assert response.json()["code"] == "validation_error"
    assert list(response.json()["errors"]) == ["deactivationReason"]
    alice.refresh_from_db()
    assert alice.is_active


def test_the_audit_records_actor_and_reason(client: ApiClient, admin: User, alice: User) -> None:
    client.patch(f"/users/{alice.id}", DEACTIVATION)
    client.patch(f"/users/{alice.id}", {"isActive": False})
    client.patch(f"/users/{alice.id}", {"isActive": True})

    kinds = [AuditKind.USER_DEACTIVATED, AuditKind.USER_REACTIVATED]
    events = AuditEvent.objects.filter(user_id=alice.id, kind__in=kinds).order_by("id")
    assert [(event.kind, event.actor_id, event.facts) for event in events] == [
        ("user_deactivated", admin.id, {"reason": REASON}),
        ("user_reactivated", admin.id, {}),
    ]


def test_codes_and_links_sent_before_a_deactivation_are_invalid(
    api: ApiClient, client: ApiClient, alice: User, bob: User, outbox: Outbox
) -> None:
    api.post("/forgot-password", {"email": alice.email})
    api.post("/resend-verification", {"email": bob.email})
    reset, verification = outbox()
    for user in (alice, bob):
        client.patch(f"/users/{user.id}", DEACTIVATION)

    link = f"/verify-email?token={token_in(verification)}&email={bob.email}"
    responses = [
        api.post("/reset-password", {"token": token_in(reset), "newPassword": "Another-Horse-8"}),
        api.post("/verify-email", {"email": bob.email, "code": code_in(verification)}),
        api.get(link, headers={"Accept": "*/*"}),
    ]

    assert [response.json()["code"] for response in responses] == ["token_invalid", "code_invalid", "token_invalid"]
    assert not User.objects.filter(id__in=[alice.id, bob.id], is_active=True).exists()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_forgot_password_does_not_reveal_a_deactivated_account(
    api: ApiClient, client: ApiClient, alice: User, outbox: Outbox
) -> None:
    client.patch(f"/users/{alice.id}", DEACTIVATION)

    known = api.post("/forgot-password", {"email": alice.email})
    unknown = api.post("/forgot-password", {"email": "unknown@example.com"})

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert outbox() == []
    assert not OutboxEmail.objects.filter(user=alice).exists()


def test_a_deactivation_that_is_rolled_back_is_not_in_the_audit(
    admin: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("accounts.services.administration.side_effects.sessions.revoke_all", fail)
    with pytest.raises(RuntimeError):
        users.update(actor_id=admin.id, user_id=alice.id, changes={"is_active": False})

    assert not AuditEvent.objects.exists()
    alice.refresh_from_db()
    assert alice.is_active
