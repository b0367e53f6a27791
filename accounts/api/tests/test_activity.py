"""What happened to one's account, for oneself to read; and that an export holds all that is held."""

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
def here(alice: User, sign_in: SignIn) -> SignedIn:
    return sign_in(alice)


def _events(here: SignedIn, query: str = "") -> list[dict[str, Any]]:
    reply = here.client.get(f"/me/activity{query}")
    assert reply.status_code == 200, reply.content
    found: list[dict[str, Any]] = reply.json()["data"]["events"]
    return found


def test_activity_lists_the_newest_event_first_with_actor_and_origin(here: SignedIn) -> None:
    here.client.patch("/me", {"firstName": "Alicia"})

    changed, login = _events(here)

    assert set(changed) == set(login) == EVENT
    assert (changed["kind"], changed["by"], changed["facts"]) == ("profile_changed", "you", {"fields": "firstName"})
    assert (login["kind"], login["by"], login["sessionId"]) == ("login", "you", here.session_id)
    assert (login["ip"], login["device"]) == ("127.0.0.1", "Chrome, Windows")
    assert changed["createdAt"] > login["createdAt"]
    assert login["createdAt"].endswith("Z")


def test_a_failed_sign_in_is_visible_only_to_the_owner(here: SignedIn, mallory: User, sign_in: SignIn) -> None:
    api = ApiClient(HTTP_USER_AGENT=CHROME)
    for name in ("alice", "nobody"):
        api.post("/login", {"username": name, "password": "Wrong-Horse-7"})

    failed, _login = _events(here)

    assert (failed["kind"], failed["by"], failed["ip"]) == ("login_failed", "unknown", "127.0.0.1")
    assert [event["kind"] for event in _events(sign_in(mallory))] == ["login"]


def test_events_of_an_administrator_are_shown_without_ip_and_device(
    here: SignedIn, admin: User, sign_in: SignIn
) -> None:
    sign_in(admin).client.patch(f"/users/{here.user.id}", {"firstName": "Alicia"})

    event = _events(here)[0]

    assert (event["kind"], event["by"]) == ("user_changed", "administrator")
    assert (event["ip"], event["device"]) == (None, "")


def test_the_reason_for_a_deactivation_is_visible_to_administrators_only(
    here: SignedIn, admin: User, sign_in: SignIn
) -> None:
    administrator = sign_in(admin).client
    administrator.patch(f"/users/{here.user.id}", {"isActive": False, "deactivationReason": "Suspicious"})
    administrator.patch(f"/users/{here.user.id}", {"isActive": True})
    again = sign_in(here.user)

    assert {"user_deactivated", "user_reactivated"} <= {event["kind"] for event in _events(again)}
    for path in ("/me/activity", "/me/export"):
        assert "Suspicious" not in again.client.get(path).content.decode()


def test_an_event_without_a_request_is_attributed_to_the_system(here: SignedIn) -> None:
    audit.record(AuditKind.PASSWORD_CHANGED, user_id=here.user.id)

    assert (_events(here)[0]["by"], _events(here)[0]["ip"]) == ("system", None)


def test_activity_is_paginated(here: SignedIn) -> None:
    for name in ("Ab", "Cd", "Ef", "Gh"):
        here.client.patch("/me", {"firstName": name})

    pages = [_events(here, f"?page={page}&pageSize=2") for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({event["id"] for page in pages for event in page}) == 5
    data = here.client.get("/me/activity?page=2&pageSize=2").json()["data"]
    assert (data["count"], data["page"], data["pageSize"]) == (5, 2, 2)


@pytest.mark.parametrize("query", ["page=0", "page=x", "pageSize=101", "pageSize=0", "page=1&page=2", "page=%00"])
def test_an_invalid_page_is_rejected(here: SignedIn, query: str) -> None:
    reply = here.client.get(f"/me/activity?{query}")

    assert (reply.status_code, reply.json()["code"]) == (400, "validation_error")


def test_activity_requires_authentication(api: ApiClient, db: None) -> None:
    assert api.get("/me/activity").json()["code"] == "authentication_required"


def test_an_export_contains_all_sections(here: SignedIn, outbox: Outbox) -> None:
    here.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})

    data = here.client.get("/me/export").json()["data"]

    assert set(data) == {"user", "secondFactor", "sessions", "emails", "emailChanges", "activity"}
    assert data["secondFactor"] == {"enabledAt": None, "recoveryCodesLeft": 0}
    assert [(change["newEmail"], change["confirmedAt"]) for change in data["emailChanges"]] == [
        ("alice@example.org", None)
    ]
    assert {email["address"] for email in data["emails"]} == {
        "alice@example.com"
    }  # the code to the new one would tell of others
    assert [event["kind"] for event in data["activity"]] == ["data_exported", "email_change_requested", "login"]


def test_an_export_contains_no_code_link_or_totp_secret(here: SignedIn, outbox: Outbox) -> None:
    here.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    code, link = ((code_in, token_in)[to != "alice@example.org"](message) for message in outbox() for to in message.to)
    secret = here.client.post("/mfa/totp").json()["data"]["secret"]

    text = here.client.get("/me/export").content.decode()

    assert f'"{code}"' not in text
    assert link not in text
    assert secret not in text
    assert "totp" not in text


def _tables_that_name(*words: str) -> set[str]:
    """The models of which a row holds one of these words in any of its columns."""
    rows = ((model, row) for model in apps.get_models() for row in model._default_manager.values())
    return {
        model.__name__ for model, row in rows if any(word in str(value) for value in row.values() for word in words)
    }


def test_a_deletion_leaves_only_the_ids_in_the_audit(here: SignedIn, outbox: Outbox) -> None:
    here.client.post("/change-email", {"newEmail": "alice@example.org", "password": PASSWORD})
    here.client.post("/mfa/totp")
    ApiClient().post("/forgot-password", {"email": "alice@example.com"})
    ApiClient().post("/login", {"username": "alice", "password": "Wrong-Horse-7"})
    outbox()
    assert _tables_that_name("alice") >= {"User", "OutboxEmail", "EmailChange"}

    assert here.client.delete("/me", {"password": PASSWORD}).status_code == 200
    outbox()
    call_command("cleanup_tokens", verbosity=0)  # the news of the deletion, once it is sent

    assert _tables_that_name("alice") == set()
    assert _tables_that_name(str(here.user.id)) == {"AuditEvent"}


def test_a_session_revoked_by_a_service_is_attributed_to_the_service(here: SignedIn, sign_in: SignIn) -> None:
    service, secret = service_clients.create(name="Billing")
    other = sign_in(here.user)
    question = {"token": other.access, "client_id": str(service.id), "client_secret": secret}
    assert ApiClient().post("/revoke", question).status_code == 200

    event = _events(here)[0]

    assert (event["kind"], event["by"], event["sessionId"]) == ("session_revoked", "service", other.session_id)
    assert event["facts"]["clientName"] == "Billing"
