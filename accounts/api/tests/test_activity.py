"""The activity of an account, and the sections of its export."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.mail import EmailMessage
from django.core.management import call_command

from accounts import audit
from accounts.models import AuditKind, User
from accounts.services import service_clients
from accounts.testing.api_client import CHROME, PASSWORD, ApiClient, SignedIn
from accounts.testing.emails import code_in, token_in

Outbox = Callable[[], list[EmailMessage]]
SignIn = Callable[..., SignedIn]

EVENT = {"id", "kind", "by", "sessionId", "ip", "device", "facts", "createdAt"}


@pytest.fixture
def alice_session(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice)


def _events(alice_session: SignedIn, query: str = "") -> list[dict[str, Any]]:
    response = alice_session.client.get(f"/me/activity{query}")
    assert response.status_code == 200, response.content
    events: list[dict[str, Any]] = response.json()["data"]["events"]
    return events


def test_activity_lists_the_newest_event_first_with_actor_and_origin(alice_session: SignedIn) -> None:
    alice_session.client.patch("/me", {"firstName": "Alicia"})

    changed, login = _events(alice_session)

    assert set(changed) == set(login) == EVENT
    assert (changed["kind"], changed["by"], changed["facts"]) == ("profile_changed", "you", {"fields": "firstName"})
    assert (login["kind"], login["by"], login["sessionId"]) == ("login", "you", alice_session.session_id)
    assert (login["ip"], login["device"]) == ("127.0.0.1", "Chrome, Windows")
    assert changed["createdAt"] > login["createdAt"]
    assert login["createdAt"].endswith("Z")


def test_a_failed_sign_in_is_visible_only_to_the_owner(alice_session: SignedIn, mallory: User, sign_in: SignIn) -> None:
    api = ApiClient(HTTP_USER_AGENT=CHROME)
    for name in ("alice", "unknown"):
        api.post("/login", {"username": name, "password": "Wrong-Horse-7"})

    failed, _login = _events(alice_session)

    assert (failed["kind"], failed["by"], failed["ip"]) == ("login_failed", "unknown", "127.0.0.1")
    assert [event["kind"] for event in _events(sign_in(mallory))] == ["login"]


def test_events_of_an_administrator_are_shown_without_ip_and_device(
    alice_session: SignedIn, admin: User, sign_in: SignIn
) -> None:
    sign_in(admin).client.patch(f"/users/{alice_session.user.id}", {"firstName": "Alicia"})

    event = _events(alice_session)[0]

    assert (event["kind"], event["by"]) == ("user_changed", "administrator")
    assert (event["ip"], event["device"]) == (None, "")


def test_the_reason_for_a_deactivation_is_visible_to_administrators_only(
    alice_session: SignedIn, admin: User, sign_in: SignIn
) -> None:
    administrator = sign_in(admin).client
    administrator.patch(f"/users/{alice_session.user.id}", {"isActive": False, "deactivationReason": "Suspicious"})
    administrator.patch(f"/users/{alice_session.user.id}", {"isActive": True})
    again = sign_in(alice_session.user)

    assert {"user_deactivated", "user_reactivated"} <= {event["kind"] for event in _events(again)}
    for path in ("/me/activity", "/me/export"):
        assert "Suspicious" not in again.client.get(path).content.decode()


def test_an_event_without_a_request_is_attributed_to_the_system(alice_session: SignedIn) -> None:
    audit.record(AuditKind.PASSWORD_CHANGED, user_id=alice_session.user.id)

    assert (_events(alice_session)[0]["by"], _events(alice_session)[0]["ip"]) == ("system", None)


def test_activity_is_paginated(alice_session: SignedIn) -> None:
    for name in ("Ab", "Cd", "Ef", "Gh"):
        alice_session.client.patch("/me", {"firstName": name})

    pages = [_events(alice_session, f"?page={page}&pageSize=2") for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({event["id"] for page in pages for event in page}) == 5
    data = alice_session.client.get("/me/activity?page=2&pageSize=2").json()["data"]
    assert (data["count"], data["page"], data["pageSize"]) == (5, 2, 2)


@pytest.mark.parametrize("query", ["page=0", "page=x", "pageSize=101", "pageSize=0", "page=1&page=2", "page=%00"])
def test_an_invalid_page_is_rejected(alice_session: SignedIn, query: str) -> None:
    response = alice_session.client.get(f"/me/activity?{query}")

    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


def test_activity_requires_authentication(api: ApiClient, db: None) -> None:
    assert api.get("/me/activity").json()["code"] == "authentication_required"


def test_an_export_contains_all_sections(alice_session: SignedIn, outbox: Outbox) -> None:
    alice_session.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})

    data = alice_session.client.get("/me/export").json()["data"]

    assert set(data) == {"user", "secondFactor", "passkeys", "sessions", "emails", "emailChanges", "activity"}
    assert data["secondFactor"] == {"enabledAt": None, "recoveryCodesLeft": 0, "recoveries": []}
    assert [(change["newEmail"], change["confirmedAt"]) for change in data["emailChanges"]] == [
        ("alice@example.org", None)
    ]
    assert {email["address"] for email in data["emails"]} == {
        "alice@example.com"
    }  # a code to the new email would reveal other accounts
    assert [event["kind"] for event in data["activity"]] == ["data_exported", "email_change_requested", "login"]


def test_an_export_contains_no_code_link_or_totp_secret(alice_session: SignedIn, outbox: Outbox) -> None:
    alice_session.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code, link = ((code_in, token_in)[to != "alice@example.org"](message) for message in outbox() for to in message.to)
    secret = alice_session.client.post("/mfa/totp").json()["data"]["secret"]

    text = alice_session.client.get("/me/export").content.decode()

    assert f'"{code}"' not in text
    assert link not in text
    assert secret not in text
    assert "totp" not in text


def _tables_containing(*words: str) -> set[str]:
    """Return the models with a row that contains one of these words in any column."""
    rows = ((model, row) for model in apps.get_models() for row in model._default_manager.values())
    return {
        model.__name__ for model, row in rows if any(word in str(value) for value in row.values() for word in words)
    }


def test_a_deletion_leaves_only_the_ids_in_the_audit(alice_session: SignedIn, outbox: Outbox) -> None:
    alice_session.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    alice_session.client.post("/mfa/totp")
    ApiClient().post("/forgot-password", {"email": "alice@example.com"})
    ApiClient().post("/login", {"username": "alice", "password": "Wrong-Horse-7"})
    outbox()
    assert _tables_containing("alice") >= {"User", "OutboxEmail", "EmailChange"}

    assert alice_session.client.delete("/me", {"password": PASSWORD}).status_code == 200
    outbox()
    call_command("cleanup_tokens", verbosity=0)  # removes the sent notice of the deletion

    assert _tables_containing("alice") == set()
    assert _tables_containing(str(alice_session.user.id)) == {"AuditEvent"}


def test_a_session_revoked_by_a_service_is_attributed_to_the_service(alice_session: SignedIn, sign_in: SignIn) -> None:
    service, secret = service_clients.create(name="Billing")
    other = sign_in(alice_session.user)
    form = {"token": other.access, "client_id": str(service.id), "client_secret": secret}
    assert ApiClient().post("/revoke", form).status_code == 200

    event = _events(alice_session)[0]

    assert (event["kind"], event["by"], event["sessionId"]) == ("session_revoked", "service", other.session_id)
    assert event["facts"]["clientName"] == "Billing"
